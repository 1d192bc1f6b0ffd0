/* kinds.h -- the closed vocabularies of a heap: kinds of references, of roots, families of layouts, flags.
 *
 * The numbers are wire values (docs/snapshot-format.md, section 4) and never change. Enumerations only, so
 * that the hook may include this header.
 */
#ifndef HELDBY_KINDS_H
#define HELDBY_KINDS_H

enum reference_kind {
    REFERENCE_NONE = 0,
    REFERENCE_GLOBAL = 1,
    REFERENCE_LOCAL = 2,
    REFERENCE_STACK = 3,
    REFERENCE_ATTRIBUTE = 4,
    REFERENCE_SLOT = 5,
    REFERENCE_CLASS_ATTRIBUTE = 6,
    REFERENCE_KEY = 7,        /* value under a key */
    REFERENCE_KEY_OBJECT = 8, /* the key itself */
    REFERENCE_INDEX = 9,
    REFERENCE_MEMBER = 10,
    REFERENCE_CELL = 11,
    REFERENCE_DEFAULT = 12,
    REFERENCE_SELF = 13,
    REFERENCE_FUNCTION = 14,
    REFERENCE_FIELD = 15,
    REFERENCE_CACHE = 16,
    REFERENCE_WEAK = 17, /* not followed unless asked */
    REFERENCE_TYPE = 18, /* not followed unless asked */
    REFERENCE_BUFFER = 19,
    REFERENCE_POINTER = 20,
    REFERENCE_NAMESPACE = 21, /* the target is the source's own dict: transparent */
    REFERENCE_FRAME = 22,     /* the target is the source's own frame: transparent */
    REFERENCE_GLOBALS = 23,   /* a function's or frame's module dict */
    REFERENCE_STALE =
        24, /* a native pointer to a neighbour's header, a leftover: not followed unless asked */
    REFERENCE_KINDS
};

enum certainty { CERTAINTY_EXACT = 0, CERTAINTY_UNCERTAIN = 1 };

enum shape_tail {
    TAIL_NONE = 0,
    TAIL_INDEX = 1,
    TAIL_PAIRS = 2, /* key object, value under it, ... */
    TAIL_MEMBERS = 3,
    TAIL_STACK = 4,
    TAIL_FIELDS = 5, /* unnamed fields */
    TAIL_CACHE = 6,
    TAIL_NATIVE = 7, /* pointers found in the words of native memory; each has a place */
    TAIL_KINDS
};

enum root_kind {
    ROOT_NONE = 0,
    ROOT_MODULE = 1,
    ROOT_FRAME = 2,
    ROOT_THREAD = 3,
    ROOT_INTERPRETER = 4,
    ROOT_C_REFERENCE = 5,
    ROOT_STATIC = 6,
    ROOT_IMMORTAL = 7,
    ROOT_REGISTER = 8,
    ROOT_NATIVE_STACK = 9,
    ROOT_MODULE_DATA = 10,
    ROOT_TLS = 11,
    ROOT_MAPPING = 12, /* a mapping that is neither module, stack nor heap */
    ROOT_KINDS
};

enum family {
    FAMILY_OTHER = 0,
    FAMILY_TYPE = 1,
    FAMILY_STR = 2,
    FAMILY_BYTES = 3,
    FAMILY_INT = 4,
    FAMILY_FLOAT = 5,
    FAMILY_BOOL = 6,
    FAMILY_NONE = 7,
    FAMILY_LIST = 8,
    FAMILY_TUPLE = 9,
    FAMILY_DICT = 10,
    FAMILY_SET = 11,
    FAMILY_MODULE = 12,
    FAMILY_FUNCTION = 13,
    FAMILY_CODE = 14,
    FAMILY_CELL = 15,
    FAMILY_METHOD = 16,
    FAMILY_FRAME = 17,
    FAMILY_GENERATOR = 18,
    FAMILY_WEAKREF = 19,
    FAMILY_BYTEARRAY = 20,
    FAMILY_EXCEPTION = 21,
    FAMILY_DEQUE = 22,
    FAMILY_BUILTIN = 23,
    FAMILY_MAPPINGPROXY = 24,
    FAMILY_PARTIAL = 25,
    FAMILY_LRU_CACHE = 26,
    FAMILY_LRU_LINK = 27,
    FAMILY_PROPERTY = 28,
    FAMILY_TRACEBACK = 29,
    FAMILY_DESCRIPTOR = 30,
    FAMILY_CONTEXT = 31,
    FAMILY_ITERATOR = 32,
    FAMILY_NATIVE = 33, /* a block of native memory: no object of a runtime */
    FAMILIES
};

enum object_flags {
    OBJECT_TRACKED = 1,
    OBJECT_IMMORTAL = 2,
    OBJECT_STATIC = 4,
    OBJECT_FROZEN = 8,
    OBJECT_INTERNED = 16,
    OBJECT_PARTIAL = 32, /* its visit was cut short */
    OBJECT_GENERATION_SHIFT = 6,
};

enum type_flags { TYPE_HEAP = 1, TYPE_FINALIZER = 2, TYPE_GC = 4, TYPE_TRAVERSE = 8 };

/* Where the name of a type comes from. */
enum type_label {
    LABEL_RUNTIME = 0, /* the runtime itself */
    LABEL_VTABLE = 1,  /* the symbol of a vtable */
    LABEL_RTTI = 2,
    LABEL_DWARF = 3, /* reserved */
    LABEL_KNOWN = 4, /* a known structure of the runtime or the allocator */
    LABEL_SIZE_CLASS = 5,
    TYPE_LABELS
};

enum preview_kind {
    PREVIEW_NONE = 0,
    PREVIEW_STR = 1,
    PREVIEW_BYTES = 2,
    PREVIEW_INT = 3,
    PREVIEW_FLOAT = 4,
    PREVIEW_BOOL = 5,
    PREVIEW_NAME = 6,
    PREVIEW_KINDS
};

enum thread_flags { THREAD_MAIN = 1 };

#endif
