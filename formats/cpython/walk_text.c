/* Texts of the program: str objects as UTF-8, names, previews. Copied out before the writer sees them. */
#include "formats/cpython/walk.h"

bool walk_is_str(struct walk *w, uint64_t object)
{
    if (!mem_plausible(object))
        return false;
    uint64_t type = mem_u64(object + OB_TYPE);
    return type == w->str_type || (mem_plausible(type) && mem_u64(type + TP_FLAGS) & TPFLAG_UNICODE);
}

struct str_data {
    uint64_t data, length;
    unsigned kind; /* bytes per code point, 0 unreadable */
    bool ascii;
};

static struct str_data str_data(const struct walk *w, uint64_t str)
{
    uint32_t state = mem_u32(str + STR_STATE);
    bool compact = state & 32, ascii = state & 64;
    struct str_data d = {.length = mem_u64(str + STR_LENGTH), .kind = state >> 2 & 7, .ascii = ascii};
    d.data = compact ? str + (ascii ? w->layout->str_ascii : w->layout->str_compact)
                     : mem_u64(str + w->layout->str_compact);
    if (d.kind != 1 && d.kind != 2 && d.kind != 4)
        d.kind = 0;
    if (d.data == 0)
        d.kind = 0;
    return d;
}

static size_t put_utf8(char *out, uint32_t c)
{
    if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        c = 0xfffd;
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 63));
        out[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 63));
    out[2] = (char)(0x80 | (c >> 6 & 63));
    out[3] = (char)(0x80 | (c & 63));
    return 4;
}

size_t walk_str(const struct walk *w, uint64_t str, char *out, size_t size, uint64_t *full)
{
    struct str_data d = str_data(w, str);
    size_t n = 0;
    *full = d.length;
    if (d.kind == 0)
        return 0;
    if (d.ascii) {
        n = d.length < size ? (size_t)d.length : size;
        mem_copy(out, d.data, n);
        return n;
    }
    for (uint64_t i = 0; i < d.length; i++) {
        char one[4];
        uint32_t c = d.kind == 1   ? mem_u8(d.data + i)
                     : d.kind == 2 ? mem_u16(d.data + 2 * i)
                                   : mem_u32(d.data + 4 * i);
        size_t k = put_utf8(one, c);
        if (n + k > size)
            break;
        memcpy(out + n, one, k);
        n += k;
    }
    return n;
}

bool walk_text_is(uint64_t text, const char *other)
{
    for (size_t i = 0;; i++) {
        char c = (char)mem_u8(text + i);
        if (c != other[i])
            return false;
        if (c == '\0')
            return true;
    }
}

bool walk_str_equals(const struct walk *w, uint64_t str, const char *text)
{
    struct str_data d = str_data(w, str);
    size_t n = strlen(text);
    if (!d.ascii || d.kind == 0 || d.length != n)
        return false;
    for (size_t i = 0; i < n; i++)
        if ((char)mem_u8(d.data + i) != text[i])
            return false;
    return true;
}

static uint32_t cache_slot(uint64_t address)
{
    return (uint32_t)(address >> 4) * 0x9E3779B1u >> 20;
}

/* Letters, digits, _ and the dots of module names; anything beyond ASCII passes as a letter. */
static bool looks_like_identifier(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = text[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
        if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '.')))
            return c == '<' && i == 0 && text[n - 1] == '>' &&
                   memchr(text, ' ', n) == NULL; /* <module>, <lambda> */
    }
    return n > 0;
}

uint32_t walk_string_of(struct walk *w, uint64_t str)
{
    uint32_t slot = cache_slot(str);
    uint64_t full;
    if (w->string_cache[slot].address == str)
        return w->string_cache[slot].string;
    char *text = w->text + WALK_TEXT / 2;
    size_t n = walk_str(w, str, text, 4096, &full);
    if (w->request->value_bytes == 0 && !looks_like_identifier(text, n))
        n = 0; /* a key that only looks like a name */
    uint32_t id = snapshot_writer_string(w->writer, text, n);
    w->string_cache[slot].address = str;
    w->string_cache[slot].string = id;
    return id;
}

uint32_t walk_string(struct walk *w, const char *text)
{
    uint64_t address = (uint64_t)(uintptr_t)text; /* constants of this library: one address, one text */
    uint32_t slot = cache_slot(address);
    if (w->string_cache[slot].address != address) {
        w->string_cache[slot].string = snapshot_writer_string(w->writer, text, strlen(text));
        w->string_cache[slot].address = address;
    }
    return w->string_cache[slot].string;
}

/* ---- identifiers ---- */

void walk_identifier(struct walk *w, uint64_t str)
{
    uint32_t slot = cache_slot(str);
    if (w->identifier_cache[slot] == str || !walk_is_str(w, str))
        return;
    w->identifier_cache[slot] = str;
    if (w->request->value_bytes >= mem_u64(str + STR_LENGTH) * 4)
        return; /* its ordinary preview is whole */
    if (w->identifier_count == w->identifier_capacity) {
        uint32_t capacity = w->identifier_capacity == 0 ? 8192 : 2 * w->identifier_capacity;
        uint64_t *bigger = capture_alloc(&w->memory, capacity * sizeof(*bigger));
        if (bigger == NULL)
            return;
        if (w->identifier_count > 0)
            memcpy(bigger, w->identifiers, w->identifier_count * sizeof(*bigger));
        w->identifiers = bigger;
        w->identifier_capacity = capacity;
    }
    w->identifiers[w->identifier_count++] = str;
}

void walk_identifiers(struct walk *w, uint64_t dict)
{
    struct walk_keys k;
    if (!mem_plausible(dict) || !(mem_u64(mem_u64(dict + OB_TYPE) + TP_FLAGS) & TPFLAG_DICT) ||
        mem_u64(dict + DICT_VALUES) != 0)
        return; /* a split table's keys are the class's and named in its shape */
    if (!walk_keys_read(w, mem_u64(dict + DICT_KEYS), &k))
        return;
    for (uint64_t i = 0, e = k.entries; i < k.count; i++, e += k.stride)
        if (mem_u64(e + k.value) != 0)
            walk_identifier(w, mem_u64(e + k.key));
}

/* By itself under the guard: of a cut core's last text a part may be missing. */
static void identifier_out(struct walk *w, void *context)
{
    enum { LONGEST = 255 };
    uint64_t full, str = *(const uint64_t *)context;
    uint32_t id = address_map_get(&w->map, str);
    if (id == 0 || id == ADDRESS_MAP_EXCLUDED)
        return;
    size_t n = walk_str(w, str, w->text, LONGEST, &full);
    if (w->request->value_bytes == 0 && !looks_like_identifier(w->text, n))
        return;
    snapshot_writer_preview(w->writer, id, PREVIEW_STR, full, w->text, (uint32_t)n);
}

void walk_identifiers_out(struct walk *w)
{
    for (uint32_t i = 0; i < w->identifier_count; i++)
        walk_guarded(w, identifier_out, &w->identifiers[i]);
}

/* ---- previews ---- */

enum { INT_LIMBS = 64 }; /* longer ints have no preview: turning them into decimals takes too long */

/* Decimal text of an int, at most `bound` bytes of it; 0: too long. Limbs are 30 bits
 * (Include/cpython/longintrepr.h). */
static uint32_t int_text(const struct walk *w, uint64_t object, char *out, uint32_t bound, uint64_t *bits)
{
    enum { BILLION = 1000000000 };
    uint64_t word = mem_u64(object + OB_SIZE), n = word >> 3;
    bool negative = (word & 3) == 2;
    if (w->layout->minor < 12) {
        negative = (int64_t)word < 0;
        n = negative ? (uint64_t) - (int64_t)word : word;
    }
    if (n > INT_LIMBS)
        return 0;
    uint32_t limbs[INT_LIMBS], groups[INT_LIMBS * 2],
        count = 0, length = 0; /* groups: base a billion, the lowest first */
    for (uint64_t i = 0; i < n; i++)
        limbs[i] = mem_u32(object + 24 + 4 * i) & 0x3fffffff;
    *bits = n > 0 && limbs[n - 1] != 0 ? 30 * (n - 1) + 32 - (uint32_t)__builtin_clz(limbs[n - 1]) : 0;
    do {
        uint64_t rest = 0;
        for (uint64_t i = n; i > 0; i--) {
            rest = rest << 30 | limbs[i - 1];
            limbs[i - 1] = (uint32_t)(rest / BILLION);
            rest %= BILLION;
        }
        groups[count++] = (uint32_t)rest;
        while (n > 0 && limbs[n - 1] == 0)
            n--;
    } while (n > 0);
    if (negative && length < bound)
        out[length++] = '-';
    for (uint32_t g = count; g > 0; g--) {
        char digits[9];
        uint32_t value = groups[g - 1], first = 0;
        for (uint32_t d = 9; d > 0; d--, value /= 10)
            digits[d - 1] = (char)('0' + value % 10);
        while (g == count && first < 8 && digits[first] == '0')
            first++;
        for (; first < 9 && length < bound; first++)
            out[length++] = digits[first];
    }
    return length;
}

void walk_preview(struct walk *w, struct walk_type *t, uint64_t object, uint32_t id)
{
    uint32_t bound = w->request->value_bytes < WALK_TEXT / 2 ? w->request->value_bytes : WALK_TEXT / 2;
    char *text = w->text;
    uint64_t full;
    uint32_t n;
    switch ((enum family)t->family) {
    case FAMILY_STR:
        n = (uint32_t)walk_str(w, object, text, bound, &full);
        snapshot_writer_preview(w->writer, id, PREVIEW_STR, full, text, n);
        break;
    case FAMILY_BYTES:
        full = mem_u64(object + OB_SIZE);
        n = full < bound ? (uint32_t)full : bound;
        mem_copy(text, object + BYTES_DATA, n);
        snapshot_writer_preview(w->writer, id, PREVIEW_BYTES, full, text, n);
        break;
    case FAMILY_INT:
        n = int_text(w, object, text, bound, &full);
        if (n > 0)
            snapshot_writer_preview(w->writer, id, PREVIEW_INT, full, text, n);
        break;
    case FAMILY_BOOL:
        int_text(w, object, text, 1, &full);
        text[0] = (char)(text[0] == '1');
        snapshot_writer_preview(w->writer, id, PREVIEW_BOOL, 1, text, 1);
        break;
    case FAMILY_FLOAT:
        mem_copy(text, object + 16, 8);
        snapshot_writer_preview(w->writer, id, PREVIEW_FLOAT, 8, text, 8);
        break;
    default:
        break;
    }
}

static size_t text_at(struct walk *w, uint64_t object, uint32_t offset, char *out, size_t size)
{
    uint64_t full, str = offset == NONE ? 0 : mem_u64(object + offset);
    return str != 0 && walk_is_str(w, str) ? walk_str(w, str, out, size, &full) : 0;
}

static size_t c_text(uint64_t from, char *out, size_t size)
{
    size_t n = 0;
    for (char c; mem_plausible(from & ~UINT64_C(7)) && n < size && (c = (char)mem_u8(from + n)) != '\0'; n++)
        out[n] = c;
    return n;
}

/* Names of functions, classes, modules, code ... : identifiers, written with or without values. */
void walk_name_preview(struct walk *w, struct walk_type *t, uint64_t object, uint32_t id)
{
    enum {
        LONGEST = 1024,
        FUNCTION_MODULE_OLD = 88,
        FUNCTION_QUALNAME_OLD = 104,
        FUNCTION_MODULE = 104,
        FUNCTION_QUALNAME = 40
    };
    const struct cpython_layout *l = w->layout;
    char *text = w->text;
    size_t n = 0, module;
    switch ((enum family)t->family) {
    case FAMILY_FUNCTION:
        walk_identifier(w, mem_u64(object + (l->minor <= 9 ? FUNCTION_MODULE_OLD : FUNCTION_MODULE)));
        n = text_at(w, object, l->minor <= 9 ? FUNCTION_QUALNAME_OLD : FUNCTION_QUALNAME, text, LONGEST);
        break;
    case FAMILY_TYPE:
        n = walk_type_name(w, object, text, LONGEST, &module);
        break;
    case FAMILY_CODE:
        n = text_at(w, object, l->code_qualname != NONE ? l->code_qualname : l->code_name, text, LONGEST);
        break;
    case FAMILY_GENERATOR:
        n = text_at(w, object, l->gen_qualname, text, LONGEST);
        break;
    case FAMILY_MODULE:
        n = text_at(w, object, 48, text, LONGEST);
        break;
    case FAMILY_BUILTIN:
        n = mem_plausible(mem_u64(object + 16)) ? c_text(mem_u64(mem_u64(object + 16)), text, LONGEST)
                                                : 0; /* m_ml->ml_name */
        break;
    case FAMILY_DESCRIPTOR:
        n = text_at(w, object, 24, text, LONGEST); /* d_name */
        break;
    case FAMILY_STR:
    case FAMILY_BYTES:
    case FAMILY_INT:
    case FAMILY_BOOL:
        if (w->request->value_bytes != 0)
            walk_preview(w, t, object, id);
        return;
    default:
        return;
    }
    if (n > 0)
        snapshot_writer_preview(w->writer, id, PREVIEW_NAME, n, text, (uint32_t)n);
}
