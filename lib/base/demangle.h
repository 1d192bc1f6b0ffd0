/* demangle.h -- C++ names as the source has them. */
#ifndef HELDBY_DEMANGLE_H
#define HELDBY_DEMANGLE_H

/* Of a symbol (_Z...), or of a type as type_info has it. For free(); NULL: it is none, there is no memory, or
 * the name refers back to its own parts so often that what it stands for could be without end: each reference
 * may double it, and names come out of memory that anybody may have written. */
char *demangle(const char *mangled);

#endif
