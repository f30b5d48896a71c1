/* Growing byte strings, Base64 and hex: what both test programs need of text.
 */
#ifndef BYTES_H
#define BYTES_H

#include <stddef.h>
#include <stdint.h>

/* Bytes with a NUL after the last one; all zero is the empty buffer. */
typedef struct buffer {
  char *data;
  size_t len;
  size_t capacity;
} buffer;

/* Like malloc and realloc, but end the program when memory is out. */
void *take(size_t size);
char *copy_text(const char *text, size_t len);

void buffer_add(buffer *b, const void *data, size_t len);
void buffer_text(buffer *b, const char *text);
void buffer_free(buffer *b);

void base64_encode(buffer *out, const uint8_t *data, size_t len);
/* 1 if the text is canonical: padded, no blanks, unused bits zero. */
int base64_decode(buffer *out, const char *text, size_t len);
/* 1 if the text is an even number of hex digits. */
int hex_decode(buffer *out, const char *text, size_t len);

#endif
