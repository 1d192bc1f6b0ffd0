/* make_program.h -- writes a tiny program or library by hand: headers, a build-id, code, data, symbols.
 *
 *      0x0000 R   headers, build-id note
 *      0x1000 RX  code
 *      0x2000 R   constants
 *      0x3000 RW  data: 0x800 bytes in the file, 0x1800 in memory
 *      0x4000     sections: .symtab, .strtab, .shstrtab, .marked (an empty section at 0x3100 to 0x3180)
 */
#ifndef HELDBY_MAKE_PROGRAM_H
#define HELDBY_MAKE_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

enum { MADE_PROGRAM_SIZE = 0x5000, MADE_PROGRAM_MEMORY = 0x4800 };

struct made_program {
    uint16_t type;           /* ET_DYN or ET_EXEC */
    uint64_t base;           /* address of the first segment in the file: 0 for ET_DYN */
    const uint8_t *build_id; /* 20 bytes, NULL: none */
    uint8_t filler;          /* what code and constants consist of */
    uint32_t tls_size;       /* of a PT_TLS segment at 0x3000; 0: none */
};

/* Symbols: function "work" 0x1100+0x80, object "g_cache" 0x3200+0x10, "g_cache_alias" there too (weak), TLS
 * variable "t_count" 8+4, "old_name@@VER_1" 0x1200+0x10. */
void make_program(const struct made_program *program, uint8_t to[MADE_PROGRAM_SIZE]);

#endif
