"""The machine of step_return.py, run inside its network namespace.

usage: return_peer.py modbus PORT LOG     a Modbus TCP server that counts its sessions
       return_peer.py publish PORT        an MQTT publisher to the broker beside it

What is read or published is the system's monotonic clock in tenths of a second: the same clock for
every process of this computer whatever its wall clock says, so a value proves when it was taken. LOG
gets a line for each session that begins or ends (time, event, sessions open now) and for a request
on an older session than the last one ("crossed"): then two sessions would be in use at once.
"""
import os
import selectors
import socket
import struct
import sys
import time


def tenths():
    return int(time.monotonic() * 10) & 0xFFFFFFFF


def answer(frame):
    """Function 3 of any registers: each pair holds the time."""
    transaction, _, _, unit, function, _, count = struct.unpack(">HHHBBHH", frame)
    words = struct.pack(">I", tenths()) * ((count + 1) // 2)
    body = struct.pack(">BBB", unit, function, 2 * count) + words[:2 * count]
    return struct.pack(">HHH", transaction, 0, len(body)) + body


def modbus(port, log):
    log = open(log, "a", buffering=1)
    listener = socket.create_server(("0.0.0.0", port))
    select = selectors.DefaultSelector()
    select.register(listener, selectors.EVENT_READ)
    sessions, made, newest = {}, 0, 0

    def note(event):
        log.write(f"{time.monotonic():.3f} {event} {len(sessions)}\n")

    print("ready", flush=True)
    while True:
        for key, _ in select.select():
            if key.fileobj is listener:
                connection, _ = listener.accept()
                made += 1
                sessions[connection] = [made, b""]
                select.register(connection, selectors.EVENT_READ)
                note("open")
                continue
            connection, state = key.fileobj, sessions[key.fileobj]
            try:
                data = connection.recv(4096)
            except OSError:
                data = b""
            if not data:
                select.unregister(connection)
                connection.close()
                del sessions[connection]
                note("close")
                continue
            state[1] += data
            while len(state[1]) >= 12:
                if state[0] < newest:
                    note("crossed")
                newest = max(newest, state[0])
                try:
                    connection.sendall(answer(state[1][:12]))
                except OSError:
                    pass
                state[1] = state[1][12:]


def publish(port):
    from lib import Failure
    from mqtt_wire import Publisher
    publisher = None
    while True:
        try:
            publisher = publisher or Publisher(port, "machine")
            publisher.publish("machine/clock", str(tenths()))
            publisher.flush()
        except (OSError, Failure):
            publisher = None
        time.sleep(0.2)


if __name__ == "__main__":
    sys.path.insert(0, os.path.dirname(__file__))
    if sys.argv[1] == "modbus":
        modbus(int(sys.argv[2]), sys.argv[3])
    publish(int(sys.argv[2]))
