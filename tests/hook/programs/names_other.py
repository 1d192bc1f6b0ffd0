"""A module of the program, so that something can be held in a module that is not __main__."""
