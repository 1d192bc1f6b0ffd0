heldby path fan.held 0x7f0000100000 --avoid bus._FAN
