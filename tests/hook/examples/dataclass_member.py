"""A list that is a member of a dataclass instance, which a local variable holds."""
import dataclasses
import typing

import heldby

import example


@dataclasses.dataclass
class Shelf:
    books: typing.List


def library():
    shelf = Shelf(["Emma", "Ulysses"])
    example.tell("books", id(shelf.books))
    heldby.snapshot()


library()
