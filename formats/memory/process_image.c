#include "formats/memory/process_image.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void process_image_free(struct process_image *image)
{
    if (image == NULL)
        return;
    for (size_t i = 0; i < image->warning_count; i++)
        free(image->warnings[i]);
    free(image->warnings);
    free(image->threads);
    free(image->mappings);
    free(image->modules);
    address_space_deinit(&image->space);
    if (image->close != NULL) /* last: the texts and the bytes are its */
        image->close(image->self);
    free(image);
}

const struct image_module *process_image_module(const struct process_image *image, uint64_t address)
{
    size_t low = 0, high = image->module_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (image->modules[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low < image->module_count && image->modules[low].start <= address ? &image->modules[low] : NULL;
}

bool process_image_warning(struct process_image *image, const char *format, ...)
{
    enum { MOST_WARNINGS = 256 }; /* a damaged file can give rise to one for each of its notes */
    char *line = NULL;
    if (image->warning_count >= MOST_WARNINGS)
        return true;
    va_list args;
    va_start(args, format);
    int length = vasprintf(&line, format, args);
    va_end(args);
    if (length < 0)
        return false;
    char **grown = realloc(image->warnings, (image->warning_count + 1) * sizeof *grown);
    if (grown == NULL) {
        free(line);
        return false;
    }
    image->warnings = grown;
    image->warnings[image->warning_count++] = line;
    return true;
}
