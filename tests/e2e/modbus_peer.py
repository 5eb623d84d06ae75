"""A Modbus TCP server that is not ours (pymodbus): a machine whose register 0 says that it runs and whose
registers 8 and 9 hold a temperature as a float that moves.

usage: modbus_peer.py PORT
"""
import struct
import sys
import time

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import StartTcpServer

registers = [1] + [0] * 63


class Moving(ModbusSequentialDataBlock):
    def getValues(self, address, count=1):
        registers[8:10] = struct.unpack(">2H", struct.pack(">f", 12 + time.time() % 5 / 10))
        return registers[address : address + count]


block = Moving(0, registers)
bits = ModbusSequentialDataBlock(0, [0] * 64)
slave = ModbusSlaveContext(di=bits, co=bits, hr=block, ir=block, zero_mode=True)
print("ready", flush=True)
StartTcpServer(context=ModbusServerContext(slaves=slave, single=True), address=("127.0.0.1", int(sys.argv[1])))
