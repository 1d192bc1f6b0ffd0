/* cpython_runtime.h -- what the ways of recognising a CPython share: in this process, and in an image of
 * another. */
#ifndef HELDBY_CPYTHON_RUNTIME_H
#define HELDBY_CPYTHON_RUNTIME_H

#include "formats/cpython/cpython.h"
#include "formats/cpython/cpython_layout.h"

/* "xdebugpy", with which _Py_DebugOffsets begins (3.13 and later; Include/internal/pycore_debug_offsets.h).
 */
#define CPYTHON_COOKIE UINT64_C(0x7970677562656478)

/* The three texts, one after the other, are the problem. */
void cpython_say(struct cpython_runtime *r, const char *first, const char *second, const char *third);

/* "3.13.0rc1 (main, ...)" as PY_VERSION_HEX; 0: no version. */
uint32_t cpython_version_hex(const char *text);

/* 3.13 and later say themselves where some things are (_Py_DebugOffsets): corrects `l` by that. */
void cpython_self_described(struct cpython_layout *l, uint64_t runtime);

#endif
