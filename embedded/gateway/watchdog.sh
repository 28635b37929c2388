#!/bin/sh
# Runs a program so that it cannot outlive the gateway: `sh watchdog.sh program arguments...`.
# Its standard input is a pipe that only the gateway holds. When the gateway dies, however it dies,
# the pipe ends and the whole process group is killed. It must lead its own group.

# Before the program starts: a SIGTERM that comes at once must not end this shell instead of it.
trap : TERM
exec 3<&0 </dev/null
"$@" 3<&- &
child=$!
# SIGTERM to the group asks the program to end; the reader has to stay on guard until it has.
(
  trap '' TERM
  read -r _ <&3
  kill -s KILL -- "-$$"
) &
reader=$!
exec 3<&-
# A trapped signal ends `wait` early: wait again until the program is really gone.
while :; do
  wait "$child"
  status=$?
  kill -0 "$child" 2>/dev/null || break
done
# A `wait` that the signal ended in the very moment the program did has not said its exit code yet.
if [ "$status" -eq 143 ]; then
  wait "$child"
  again=$?
  [ "$again" -eq 127 ] || status=$again
fi
kill -s KILL "$reader"
exit "$status"
