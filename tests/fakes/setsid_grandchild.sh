# A child leaves the session, and with it every process group we know of.
setsid sleep "1000.$1" &
echo ready
read -r order && exit 3
wait
