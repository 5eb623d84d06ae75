#!/bin/sh
# modbus_peers.sh PEER BUILD: our Modbus client against libmodbus, modbus-serial, pymodbus, or
# pymodbus over a pseudo-terminal pair; and mbpoll against our simulated machine. Exit 77 when the peer is not installed.
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
        if grep -q '^SKIPPED' "$work/err" || ! kill -0 "$server" 2>/dev/null; then
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
modbus_serial)
    command -v node >/dev/null || exit 77
    node "$here/modbus_serial.mjs" >"$work/out" 2>"$work/err" &
    server=$!
    address=127.0.0.1:$(ready)
    ;;
mbpoll)
    # The other way round: a client of others reads our simulated press and must see what we see.
    command -v mbpoll >/dev/null || exit 77
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    "$build/maru-sim" press1 --port "$port" >"$work/out" 2>"$work/err" &
    server=$!
    for _ in $(seq 100); do
        theirs=$(mbpoll -m tcp -a 1 -0 -r 0 -c 16 -t 3 -1 -p "$port" 127.0.0.1 2>/dev/null | grep -c '^\[[0-9]*\]:') || true
        [ "$theirs" = 16 ] && break
        sleep 0.1
    done
    [ "$theirs" = 16 ] || { echo "mbpoll read $theirs of 16 registers" >&2; exit 1; }
    echo "mbpoll: 16 registers of the simulated press read"
    exit 0
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
