"""What the examples share: telling the test an address to ask about."""
import os


def tell(name, address):
    with open(os.path.join(os.environ["HELDBY_DIR"], "addresses"), "a") as out:
        out.write("%s 0x%x\n" % (name, address))
