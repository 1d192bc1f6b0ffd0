/* Frames of all versions, read without making anything: code, locals, expression stack, line. */
#include "formats/cpython/walk.h"

static bool is_code(struct walk *w, uint64_t object)
{
    return mem_plausible(object) && walk_type_of(w, mem_u64(object + OB_TYPE))->family == FAMILY_CODE;
}

static uint64_t tuple_size(struct walk *w, uint64_t tuple)
{
    return mem_plausible(tuple) && mem_u64(tuple + OB_TYPE) == w->tuple_type ? mem_u64(tuple + OB_SIZE) : 0;
}

/* 3.8 to 3.10: a frame is an object. */
static bool read_object(struct walk *w, uint64_t frame, struct walk_frame *f)
{
    const struct cpython_layout *l = w->layout;
    uint64_t slots = mem_u32(f->code + l->code_nlocals) + tuple_size(w, mem_u64(f->code + l->code_cellvars)) +
                     tuple_size(w, mem_u64(f->code + l->code_freevars));
    uint32_t stack_size = mem_u32(f->code + l->code_stacksize);
    uint64_t bottom = mem_u64(frame + l->frame_value_stack);
    f->slots = frame + l->frame_localsplus;
    f->slot_count = slots < 1 << 20 ? (uint32_t)slots : 0;
    f->stack = f->slots + 8 * (uint64_t)f->slot_count;
    f->stack_count = stack_size < 1 << 20 ? stack_size : 0;
    if (bottom != f->stack)
        f->stack_count = 0;
    if (l->minor <= 9) {
        uint64_t top = mem_u64(frame + l->frame_stacktop); /* NULL while it runs */
        if (top >= f->stack && top <= f->stack + 8 * (uint64_t)f->stack_count) {
            f->stack_count = (uint32_t)((top - f->stack) / 8);
            f->stack_exact = true;
        }
    } else {
        int32_t depth = (int32_t)mem_u32(frame + l->frame_stacktop); /* -1 while it runs */
        if (depth >= 0 && (uint32_t)depth <= f->stack_count) {
            f->stack_count = (uint32_t)depth;
            f->stack_exact = true;
        }
    }
    return true;
}

/* 3.11 and later: _PyInterpreterFrame. */
static bool read_inner(struct walk *w, uint64_t frame, struct walk_frame *f)
{
    const struct cpython_layout *l = w->layout;
    uint32_t slots = mem_u32(f->code + l->code_nlocalsplus),
             stack_size = mem_u32(f->code + l->code_stacksize);
    int64_t top = (int32_t)mem_u32(frame + l->frame_stacktop); /* -1 in a running top frame */
    if (l->minor >= 14) {
        uint64_t pointer = mem_u64(frame + l->frame_stacktop); /* NULL in a running top frame */
        top = pointer == 0 ? -1 : (int64_t)(pointer - frame - l->frame_localsplus) / 8;
    }
    if (slots > 1 << 20 || stack_size > 1 << 20)
        return false;
    f->slots = frame + l->frame_localsplus;
    f->slot_count = slots;
    f->stack = f->slots + 8 * (uint64_t)slots;
    f->stack_count = stack_size;
    if (top >= (int64_t)slots && top <= (int64_t)slots + stack_size) {
        f->stack_count = (uint32_t)top - slots;
        f->stack_exact = true;
    } else if (top >= 0 && top < (int64_t)slots) { /* not started: the locals up to here exist */
        f->slot_count = (uint32_t)top;
        f->stack_count = 0;
    }
    return true;
}

enum { OWNED_BY_C_STACK = 3 }; /* and above; Include/internal/pycore_frame.h, enum _frameowner, 3.12+ */

bool walk_frame_read(struct walk *w, uint64_t frame, struct walk_frame *ret)
{
    const struct cpython_layout *l = w->layout;
    if (!mem_plausible(frame))
        return false;
    *ret = (struct walk_frame){.address = frame};
    if (l->minor >= 12 && mem_u8(frame + l->frame_owner) >= OWNED_BY_C_STACK)
        return false; /* a shim between C and Python: most of it is never set */
    ret->back = mem_u64(frame + l->frame_back);
    ret->code = walk_local(w, frame + l->frame_code);
    if (!is_code(w, ret->code)) /* 3.13: an executable that is no code */
        return false;
    ret->globals = mem_u64(frame + l->frame_globals);
    ret->locals_dict = mem_u64(frame + l->frame_locals);
    ret->function = l->frame_func == NONE ? 0 : walk_local(w, frame + l->frame_func);
    ret->line = walk_line(w, ret->code, frame);
    return l->minor <= 10 ? read_object(w, frame, ret) : read_inner(w, frame, ret);
}

uint64_t walk_local_name(struct walk *w, uint64_t code, uint32_t i)
{
    const struct cpython_layout *l = w->layout;
    uint64_t tuples[3] = {0};
    if (l->code_localsplusnames != NONE) {
        tuples[0] = mem_u64(code + l->code_localsplusnames);
    } else {
        tuples[0] = mem_u64(code + l->code_varnames);
        tuples[1] = mem_u64(code + l->code_cellvars);
        tuples[2] = mem_u64(code + l->code_freevars);
    }
    uint64_t at = i;
    for (unsigned k = 0; k < 3; k++) {
        uint64_t n = tuple_size(w, tuples[k]);
        if (at < n) {
            uint64_t name = mem_u64(tuples[k] + w->layout->tuple_items + 8 * at);
            return walk_is_str(w, name) ? name : 0;
        }
        at -= n;
    }
    return 0;
}

/* ---- line numbers ---- */

struct table {
    uint64_t data, end;
};

static bool table_of(struct walk *w, uint64_t code, struct table *t)
{
    uint64_t bytes = mem_u64(code + w->layout->code_linetable);
    if (!mem_plausible(bytes) || walk_type_of(w, mem_u64(bytes + OB_TYPE))->family != FAMILY_BYTES)
        return false;
    t->data = bytes + BYTES_DATA;
    t->end = t->data + mem_u64(bytes + OB_SIZE);
    return true;
}

/* 3.8, 3.9: co_lnotab, pairs (byte step, signed line step); Objects/lnotab_notes.txt. */
static int64_t line_lnotab(struct table t, int64_t line, uint64_t offset)
{
    uint64_t at = 0;
    for (; t.data + 1 < t.end; t.data += 2) {
        at += mem_u8(t.data);
        if (at > offset)
            break;
        line += (int8_t)mem_u8(t.data + 1);
    }
    return line;
}

/* 3.10: co_linetable of PEP 626, pairs (byte step, signed line step or -128 for no line). */
static int64_t line_linetable(struct table t, int64_t line, uint64_t offset)
{
    uint64_t at = 0;
    for (; t.data + 1 < t.end; t.data += 2) {
        int8_t step = (int8_t)mem_u8(t.data + 1);
        if (step != -128)
            line += step;
        at += mem_u8(t.data);
        if (at > offset)
            return step == -128 ? 0 : line;
    }
    return line;
}

/* 3.11+: the location table, Objects/locations.md. */
static int64_t line_locations(struct table t, int64_t line, uint64_t offset)
{
    uint64_t at = 0;
    while (t.data < t.end) {
        uint8_t first = mem_u8(t.data++), code = first >> 3 & 15;
        uint64_t zigzag = 0;
        bool has_line = code != 15;
        if (code == 13 || code == 14) { /* a signed varint line step follows */
            unsigned shift = 0;
            uint8_t b;
            do {
                b = t.data < t.end ? mem_u8(t.data++) : 0;
                zigzag |= (uint64_t)(b & 63) << shift;
                shift += 6;
            } while (b & 64 && shift < 60);
            line += zigzag & 1 ? -(int64_t)(zigzag >> 1) : (int64_t)(zigzag >> 1);
        } else if (code >= 10 && code <= 12) {
            line += code - 10;
        }
        while (t.data < t.end && !(mem_u8(t.data) & 128)) /* columns: up to the next entry */
            t.data++;
        at += 2 * ((uint64_t)(first & 7) + 1);
        if (at > offset)
            return has_line ? line : 0;
    }
    return line;
}

uint32_t walk_line(struct walk *w, uint64_t code, uint64_t frame)
{
    const struct cpython_layout *l = w->layout;
    struct table t;
    int64_t line = (int32_t)mem_u32(code + l->code_firstlineno);
    if (!table_of(w, code, &t))
        return line > 0 ? (uint32_t)line : 0;
    if (l->minor <= 10) {
        int32_t last = (int32_t)mem_u32(frame + l->frame_instr); /* -1: not started */
        uint64_t offset = last < 0 ? 0 : l->minor == 10 ? 2 * (uint64_t)last : (uint64_t)last;
        if (last >= 0)
            line = l->minor == 10 ? line_linetable(t, line, offset) : line_lnotab(t, line, offset);
    } else {
        uint64_t instr = mem_u64(frame + l->frame_instr), start = code + l->code_code;
        line = line_locations(t, line, instr <= start ? 0 : instr - start);
    }
    return line > 0 && line < INT32_MAX ? (uint32_t)line : 0;
}

bool walk_looks_like_object(struct walk *w, uint64_t word)
{
    if (!mem_plausible(word))
        return false;
    uint32_t id = address_map_get(&w->map, word);
    if (id != 0 && id != ADDRESS_MAP_EXCLUDED)
        return walk_address(walk_entry(w, id)) == word;
    if (walk_is_static(w, word))
        return false;
    uint64_t refcount = mem_u64(word),
             type = mem_u64(word + OB_TYPE); /* a freed block has a pointer or 0 here */
    if (refcount == 0 || refcount >= UINT64_C(1) << 34 || !mem_plausible(type))
        return false;
    uint64_t metatype = mem_u64(type + OB_TYPE);
    return mem_plausible(metatype) && mem_u64(metatype + OB_TYPE) == w->type_type &&
           mem_u64(metatype + TP_FLAGS) & TPFLAG_TYPE;
}
