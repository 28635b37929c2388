#!/bin/sh
# Runs a program so that it cannot outlive the gateway: `sh watchdog.sh program arguments...`.
# Its standard input is a pipe that only the gateway holds. When the gateway ends in any way, the pipe
# closes and the process group is killed. This shell must lead its own group.

# Set before the program starts: an early SIGTERM must reach the program, not end this shell.
trap : TERM
exec 3<&0 </dev/null
"$@" 3<&- &
child=$!
# A SIGTERM to the group asks the program to end. The reader ignores it and waits until the program has ended.
(
  trap '' TERM
  read -r _ <&3
  kill -s KILL -- "-$$"
) &
reader=$!
exec 3<&-
# A trapped signal ends `wait` early: wait again until the program has ended.
while :; do
  wait "$child"
  status=$?
  kill -0 "$child" 2>/dev/null || break
done
# If the signal interrupted `wait` just as the program ended, `wait` again for the program's exit code.
if [ "$status" -eq 143 ]; then
  wait "$child"
  again=$?
  [ "$again" -eq 127 ] || status=$again
fi
kill -s KILL "$reader"
exit "$status"
