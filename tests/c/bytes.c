#include "bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void *take(size_t size)
{
  void *memory = calloc(1, size ? size : 1);
  if(!memory) {
    fputs("out of memory\n", stderr);
    exit(2);
  }
  return memory;
}

char *copy_text(const char *text, size_t len)
{
  char *copy = take(len + 1);
  if(len)
    memcpy(copy, text, len);
  return copy;
}

void buffer_add(buffer *b, const void *data, size_t len)
{
  if(b->len + len + 1 > b->capacity) {
    size_t capacity = 2 * (b->len + len) + 64;
    char *grown = take(capacity);
    if(b->len)
      memcpy(grown, b->data, b->len);
    free(b->data);
    b->data = grown;
    b->capacity = capacity;
  }
  if(len)
    memcpy(b->data + b->len, data, len);
  b->len += len;
  b->data[b->len] = '\0';
}

void buffer_text(buffer *b, const char *text)
{
  buffer_add(b, text, strlen(text));
}

void buffer_free(buffer *b)
{
  free(b->data);
  memset(b, 0, sizeof(*b));
}

void base64_encode(buffer *out, const uint8_t *data, size_t len)
{
  size_t i;
  buffer_add(out, "", 0);
  for(i = 0; i < len; i += 3) {
    size_t n = len - i < 3 ? len - i : 3;
    uint32_t group = (uint32_t)data[i] << 16;
    char four[4];
    if(n > 1)
      group |= (uint32_t)data[i + 1] << 8;
    if(n > 2)
      group |= data[i + 2];
    four[0] = alphabet[group >> 18];
    four[1] = alphabet[group >> 12 & 63];
    four[2] = n > 1 ? alphabet[group >> 6 & 63] : '=';
    four[3] = n > 2 ? alphabet[group & 63] : '=';
    buffer_add(out, four, 4);
  }
}

int base64_decode(buffer *out, const char *text, size_t len)
{
  size_t i, j;
  buffer_add(out, "", 0);
  if(len % 4)
    return 0;
  for(i = 0; i < len; i += 4) {
    uint32_t group = 0;
    size_t pad = 0;
    char three[3];
    if(i + 4 == len && text[i + 3] == '=')
      pad = text[i + 2] == '=' ? 2 : 1;
    for(j = 0; j < 4; j++) {
      const char *at = "A";
      if(j < 4 - pad) {
        at = text[i + j] ? strchr(alphabet, text[i + j]) : NULL;
        if(!at)
          return 0;
      }
      group = group << 6 | (uint32_t)(j < 4 - pad ? at - alphabet : 0);
    }
    if(group & ((1u << 8 * pad) - 1))
      return 0;
    three[0] = (char)(group >> 16 & 255);
    three[1] = (char)(group >> 8 & 255);
    three[2] = (char)(group & 255);
    buffer_add(out, three, 3 - pad);
  }
  return 1;
}

int hex_decode(buffer *out, const char *text, size_t len)
{
  static const char digits[] = "0123456789abcdef";
  size_t i;
  buffer_add(out, "", 0);
  if(len % 2)
    return 0;
  for(i = 0; i < len; i += 2) {
    const char *high = text[i] ? strchr(digits, text[i]) : NULL;
    const char *low = text[i + 1] ? strchr(digits, text[i + 1]) : NULL;
    char byte;
    if(!high || !low)
      return 0;
    byte = (char)((high - digits) << 4 | (low - digits));
    buffer_add(out, &byte, 1);
  }
  return 1;
}
