#!/bin/sh
# modbus_peers.sh PEER BUILD: our Modbus client against libmodbus, pymodbus or pymodbus over a
# pseudo-terminal pair. Exit 77 when the peer is not installed.
set -eu
peer=$1
build=$2
here=$(dirname "$0")
work=$(mktemp -d)
server= line=
stop() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    [ -z "$line" ] || kill "$line" 2>/dev/null || true
    rm -rf "$work"
}
trap stop EXIT INT TERM

# Waits for the line `ready X` of the server and prints X.
ready() {
    for _ in $(seq 100); do
        if grep -q '^ready ' "$work/out"; then
            sed -n 's/^ready //p' "$work/out"
            return 0
        fi
        if ! kill -0 "$server" 2>/dev/null; then
            cat "$work/err" >&2
            return 77
        fi
        sleep 0.1
    done
    echo "the $peer server did not start" >&2
    return 1
}

options="unit=1 timeout_ms=3000"
case $peer in
libmodbus)
    "$build/modbus-peer" server 0 >"$work/out" 2>"$work/err" &
    server=$!
    address=127.0.0.1:$(ready)
    "$build/modbus-client" check "$address" "$options pipeline=4"
    "$build/modbus-client" check "$address" "$options pipeline=0 max_registers=20"
    ;;
pymodbus)
    [ -x /usr/bin/python3 ] || exit 77
    /usr/bin/python3 "$here/modbus_pymodbus.py" tcp >"$work/out" 2>"$work/err" &
    server=$!
    address=127.0.0.1:$(ready)
    ;;
pymodbus_rtu)
    command -v socat >/dev/null || exit 77
    /usr/bin/python3 -c 'import serial, serial_asyncio' 2>/dev/null || exit 77
    socat "pty,raw,echo=0,link=$work/a" "pty,raw,echo=0,link=$work/b" &
    line=$!
    while [ ! -e "$work/a" ] || [ ! -e "$work/b" ]; do
        kill -0 "$line"
        sleep 0.05
    done
    /usr/bin/python3 "$here/modbus_pymodbus.py" rtu "$work/b" >"$work/out" 2>"$work/err" &
    server=$!
    ready >/dev/null
    address=$work/a
    options="$options baud=115200 parity=none"
    ;;
esac
"$build/modbus-client" check "$address" "$options"
echo "$peer: all values as served"
