# A shell with a child in the background.
sleep "1000.$1" &
echo ready
read -r order && exit 3
wait
