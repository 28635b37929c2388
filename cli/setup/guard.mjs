// Runs a command and ends it, with all its children, when the process that started this one dies:
// a killed set-up must not leave an installation running that the next one would collide with.
import { spawn } from 'node:child_process';

const parent = process.ppid;
const [command, ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: 'inherit', detached: true });

function end(signal) {
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group has already ended.
  }
}

const watch = setInterval(() => {
  if (process.ppid !== parent) end('SIGKILL');
}, 300);
const graceMillis = 3_000;
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    end('SIGTERM');
    setTimeout(() => end('SIGKILL'), graceMillis).unref();
  });
}

child.on('error', (error) => {
  console.error(`${command}: ${error.message}`);
  process.exit(127);
});
child.on('exit', (code, signal) => {
  clearInterval(watch);
  // End processes that the command left running in its group.
  end('SIGKILL');
  process.exit(code ?? (signal ? 143 : 1));
});
