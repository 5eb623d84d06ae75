#!/usr/bin/python3
"""A pymodbus server with the contents that modbus_peer.c describes.

    modbus_pymodbus.py tcp             prints `ready PORT`, serves until killed
    modbus_pymodbus.py rtu DEVICE      serves a serial line, prints `ready DEVICE`
"""
import asyncio
import sys

try:
    from pymodbus.datastore import (ModbusSequentialDataBlock, ModbusServerContext,
                                    ModbusSlaveContext)
    from pymodbus.server.async_io import ModbusSerialServer, ModbusTcpServer
    from pymodbus.transaction import ModbusRtuFramer, ModbusSocketFramer
except ImportError as missing:
    print(missing, file=sys.stderr)
    sys.exit(77)

CELLS = 1000


def context():
    """One unit, addresses counted from 0."""
    store = ModbusSlaveContext(
        di=ModbusSequentialDataBlock(0, [i % 3 == 0 for i in range(CELLS)]),
        co=ModbusSequentialDataBlock(0, [i % 2 == 0 for i in range(CELLS)]),
        hr=ModbusSequentialDataBlock(0, [i * 3 for i in range(CELLS)]),
        ir=ModbusSequentialDataBlock(0, [i + 1 for i in range(CELLS)]),
        zero_mode=True)
    return ModbusServerContext(slaves=store, single=True)


async def tcp():
    server = ModbusTcpServer(context(), ModbusSocketFramer, None, ("127.0.0.1", 0))
    task = asyncio.create_task(server.serve_forever())
    while not (server.server and server.server.sockets):
        await asyncio.sleep(0.01)
    print("ready", server.server.sockets[0].getsockname()[1], flush=True)
    await task


async def rtu(device):
    server = ModbusSerialServer(context(), ModbusRtuFramer, None, port=device, baudrate=115200,
                                parity="N", autoreconnect=False)
    await server.start()
    print("ready", device, flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(tcp() if sys.argv[1] == "tcp" else rtu(sys.argv[2]))
