#!/bin/sh
# Runs a program so that it cannot outlive the gateway: `sh watchdog.sh program arguments...`.
# Its standard input is a pipe that only the gateway holds. When the gateway dies, however it dies,
# the pipe ends and the whole process group is killed. It must lead its own group.
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
trap : TERM
# A trapped signal ends `wait` early: wait again until the program is really gone.
while :; do
  wait "$child"
  status=$?
  kill -0 "$child" 2>/dev/null || break
done
kill -s KILL "$reader"
exit "$status"
