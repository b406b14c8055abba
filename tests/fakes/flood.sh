# Output without end, more than anybody reads.
yes "$1" &
read -r order && exit 3
wait
