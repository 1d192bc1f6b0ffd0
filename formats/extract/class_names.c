/* C++ classes by their vtables, after the Itanium C++ ABI (2.5.2 Virtual Table Components, 2.9 RTTI).
 *
 *      object ──► vtable            vtable[-2]  offset to top: where the whole object begins
 *                                   vtable[-1]  type_info: its own vtable, then the mangled name
 *
 * With symbols the vtable is `_ZTV` + class. Without, the type_info must itself be of one of the three
 * classes that the C++ runtimes (libstdc++, libc++abi: the same names) derive from std::type_info, which is
 * seen from how these describe themselves; so it makes no difference which library has them, or whether they
 * were linked in. Names are read-only data, which is in a core only by request, and else comes from the
 * files.
 */
#include "formats/extract/extraction.h"

#include <stdio.h>
#include <stdlib.h>

#include "lib/base/demangle.h"

enum { MANGLED_SIZE = 4096 };

const char *symbol_demangle(const char *name, char *out, size_t size)
{
    char *plain = name[0] == '_' && name[1] == 'Z' ? demangle(name) : NULL;
    snprintf(out, size, "%s", plain != NULL ? plain : name);
    free(plain);
    return out;
}

/* A type's mangled name, as type_info has it: without the _Z of a symbol. */
static bool demangle_type(const char *mangled, char *out, size_t size)
{
    char *plain = demangle(mangled);
    bool done = plain != NULL;
    if (done)
        snprintf(out, size, "%s", plain);
    free(plain);
    return done;
}

/* A name as type_info holds it; a leading * says that only its address counts. */
static bool type_name(const struct process_image *image, uint64_t type_info, char *out, size_t size)
{
    uint64_t at;
    if (!address_space_u64(&image->space, type_info + 8, &at) ||
        !address_space_text(&image->space, at, out, size))
        return false;
    if (out[0] == '*')
        memmove(out, out + 1, strlen(out));
    for (const char *c = out; *c != '\0'; c++)
        if (*c <= ' ' || (*c & 0x80) != 0)
            return false;
    return out[0] != '\0';
}

static bool meta_class(const struct process_image *image, uint64_t type_info, uint64_t *vtable,
                       uint64_t *meta)
{
    return (type_info & 7) == 0 && address_space_u64(&image->space, type_info, vtable) &&
           (*vtable & 7) == 0 && *vtable >= 16 && address_space_u64(&image->space, *vtable - 8, meta) &&
           (*meta & 7) == 0;
}

/* Is it an object of one of the three classes that describe classes? Each of them has one base, and so is
 * itself described by an object of __si_class_type_info; that one by an object of its own class. */
static bool is_class_info(const struct process_image *image, uint64_t type_info)
{
    char name[128];
    uint64_t vtable, meta, single, meta_single, again, same;
    if (!meta_class(image, type_info, &vtable, &meta) || !meta_class(image, meta, &single, &meta_single) ||
        !meta_class(image, meta_single, &again, &same) || again != single || same != meta_single)
        return false;
    return !type_name(image, meta, name, sizeof name) || strncmp(name, "N10__cxxabiv1", 13) == 0;
}

static bool by_symbol(const struct process_image *image, uint64_t vtable, char *name, size_t size)
{
    static const char prefix[] = "vtable for ";
    struct image_symbol s;
    char text[MANGLED_SIZE];
    if (image->symbol_at == NULL || !image->symbol_at(image->self, vtable, &s) || s.tls ||
        strncmp(s.name, "_ZTV", 4) != 0 || vtable < s.address + 16 ||
        (s.size != 0 && vtable - s.address > s.size))
        return false;
    symbol_demangle(s.name, text, sizeof text);
    if (strncmp(text, prefix, sizeof prefix - 1) != 0)
        return false;
    snprintf(name, size, "%s", text + sizeof prefix - 1);
    return true;
}

static bool by_rtti(const struct process_image *image, uint64_t vtable, char *name, size_t size,
                    enum type_label *label)
{
    char mangled[MANGLED_SIZE];
    uint64_t top, info;
    if (!address_space_u64(&image->space, vtable - 16, &top) ||
        !address_space_u64(&image->space, vtable - 8, &info) || (info & 7) != 0)
        return false;
    int64_t offset = (int64_t)top; /* 0, or the distance from a base within to the whole object */
    if (offset > 0 || offset < -(INT64_C(1) << 24))
        return false;
    if (!is_class_info(image, info))
        return false;
    if (type_name(image, info, mangled, sizeof mangled) && demangle_type(mangled, name, size))
        return true;
    /* a class, but the file with its name is not here */
    const struct image_module *m = process_image_module(image, vtable);
    if (m == NULL)
        return false;
    *label = LABEL_VTABLE;
    snprintf(name, size, "class at %s+0x%llx", m->name, (unsigned long long)(vtable - m->bias));
    return true;
}

bool class_name_of_vtable(const struct process_image *image, uint64_t vtable, char *name, size_t size,
                          enum type_label *label)
{
    if ((vtable & 7) != 0 || vtable < 16)
        return false;
    *label = LABEL_VTABLE;
    if (by_symbol(image, vtable, name, size))
        return true;
    *label = LABEL_RTTI;
    return by_rtti(image, vtable, name, size, label);
}
