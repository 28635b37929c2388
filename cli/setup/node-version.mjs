const oldest = 20;

/** Ends the process with a message when this Node is too old. */
export function checkNode(version = process.versions.node) {
  if (Number(version.split('.')[0]) >= oldest) return;
  console.error(`Node ${version} is too old: Node ${oldest} or newer is needed.`);
  process.exit(1);
}
