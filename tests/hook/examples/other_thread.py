"""Objects that only another thread holds."""
import dataclasses
import threading

import heldby

ready, over = threading.Event(), threading.Event()


class Parcel:
    pass


@dataclasses.dataclass
class Van:
    load: Parcel


def deliver():
    parcel = Parcel()
    van = Van(parcel)
    ready.set()
    over.wait()
    return parcel, van


driver = threading.Thread(target=deliver, name="driver")
driver.start()
ready.wait()
heldby.snapshot()
over.set()
driver.join()
