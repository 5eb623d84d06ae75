"""A pymodbus server (not ours) that replays the columns of a wide CSV in its holding registers.

usage: modbus_server.py PORT TABLE.csv LOG STEP_MS
Column c is an f64 (ABCD) at register 4*c. The row in force changes every STEP_MS. Every read that
is served is written to LOG at once: `wall time ns, start, count, registers in hex`, so that a
reader of the log knows what stood in which answer.
"""
import csv
import struct
import sys
import time

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartTcpServer

port, table, log_path, step_ms = int(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
rows = []
with open(table) as lines:
    for row in list(csv.reader(lines))[1:]:
        rows.append([w for v in row[1:] for w in struct.unpack(">4H", struct.pack(">d", float(v)))])
log = open(log_path, "a", buffering=1)
begin = time.monotonic_ns()


class Replay(ModbusSequentialDataBlock):
    def getValues(self, address, count=1):
        step = (time.monotonic_ns() - begin) // (step_ms * 1000000)
        values = rows[step % len(rows)][address:address + count]
        log.write(f"{time.time_ns()},{address},{count},{''.join('%04x' % v for v in values)}\n")
        return values

    def validate(self, address, count=1):
        return 0 <= address and address + count <= len(rows[0])


block = Replay(0, [0] * len(rows[0]))
context = ModbusServerContext(slaves=ModbusSlaveContext(di=block, co=block, hr=block, ir=block, zero_mode=True), single=True)
print("ready", flush=True)
StartTcpServer(context=context, address=("127.0.0.1", port))
