# A child leaves the session and takes no environment along.
env -i setsid sleep "1000.$1" &
echo ready
read -r order && exit 3
wait
