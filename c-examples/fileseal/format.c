#include "format.h"
#include "../store.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define MAGIC "FILESEAL"
#define MAGIC_LEN (sizeof(MAGIC) - 1)
#define VERSION 1

void head_begin(head *h, size_t chunk)
{
  memcpy(h->fixed, MAGIC, MAGIC_LEN);
  h->fixed[MAGIC_LEN] = VERSION;
  h->fixed[9] = (uint8_t)(chunk >> 24);
  h->fixed[10] = (uint8_t)(chunk >> 16);
  h->fixed[11] = (uint8_t)(chunk >> 8);
  h->fixed[12] = (uint8_t)chunk;
  h->chunk = chunk;
}

/* Reads a field of the head, all of it. */
static int field(input *in, uint8_t *to, size_t want)
{
  size_t len;
  int code = input_read(in, to, want, &len, NULL);
  return code || len == want ? code
                             : input_damaged(in, "is cut off in its head");
}

int head_read(head *h, input *in)
{
  const uint8_t *size = h->fixed + MAGIC_LEN + 1;
  uint8_t n[2];
  size_t len;
  int code = input_read(in, h->fixed, MAGIC_LEN, &len, NULL);
  if(!code && (len < MAGIC_LEN || memcmp(h->fixed, MAGIC, MAGIC_LEN)))
    code = input_damaged(in, "is not a sealed file");
  if(!code)
    code = field(in, h->fixed + MAGIC_LEN, 1);
  if(!code && h->fixed[MAGIC_LEN] != VERSION)
    code = input_damaged(in, "is of a version that is not known here");
  if(!code)
    code = field(in, h->fixed + MAGIC_LEN + 1, 4);
  if(code)
    return code;
  h->chunk = (size_t)size[0] << 24 | (size_t)size[1] << 16 |
             (size_t)size[2] << 8 | size[3];
  if(h->chunk < 1 || h->chunk > CHUNK_MAX)
    return input_damaged(in, "has an impossible chunk size");
  if((code = field(in, n, 2)))
    return code;
  h->blob_len = (size_t)n[0] << 8 | n[1];
  if(h->blob_len < 1 || h->blob_len > BLOB_MAX)
    return input_damaged(in, "has an impossible data key");
  code = field(in, h->blob, h->blob_len);
  return code ? code : field(in, h->prefix, PREFIX_LEN);
}

int head_write(const head *h, output *out)
{
  uint8_t n[2] = {(uint8_t)(h->blob_len >> 8), (uint8_t)h->blob_len};
  int code = output_write(out, h->fixed, FIXED_LEN);
  if(!code)
    code = output_write(out, n, 2);
  if(!code)
    code = output_write(out, h->blob, h->blob_len);
  return code ? code : output_write(out, h->prefix, PREFIX_LEN);
}

size_t head_len(const head *h)
{
  return FIXED_LEN + 2 + h->blob_len + PREFIX_LEN;
}

/* A stream, and room for one chunk in both forms. */
typedef struct {
  stream stream;
  uint8_t *plain, *sealed;
} body;

static int body_begin(body *b, const head *h,
                      const uint8_t data_key[DATA_KEY_LEN])
{
  b->plain = malloc(h->chunk + TAG_LEN);
  b->sealed = malloc(h->chunk + TAG_LEN);
  return stream_begin(&b->stream, data_key, h->prefix, h->fixed, FIXED_LEN) &&
                 b->plain && b->sealed
             ? 0
             : failed("a chunk", "no memory", 0);
}

static void body_end(body *b, const head *h)
{
  stream_end(&b->stream);
  if(b->plain)
    OPENSSL_cleanse(b->plain, h->chunk + TAG_LEN);
  free(b->plain);
  free(b->sealed);
}

int seal_body(const head *h, const uint8_t data_key[DATA_KEY_LEN], input *in,
              output *out)
{
  body b;
  int last = 0, code = body_begin(&b, h, data_key);
  while(!code && !last) {
    size_t len;
    code = input_read(in, b.plain, h->chunk, &len, &last);
    if(!code && b.stream.next == CHUNKS_MAX)
      code = failed(in->name, "has too many chunks of this size", 0);
    if(!code && !stream_seal(&b.stream, b.plain, len, last, b.sealed))
      code = failed("AES-256-GCM", "does not work", 0);
    if(!code)
      code = output_write(out, b.sealed, len + TAG_LEN);
  }
  body_end(&b, h);
  return code;
}

/* Says of a chunk that does not open what has been done to it, as far as that
   can be told: it may open as what it does not seem to be, the last one or
   not. */
static int explain(body *b, const input *in, size_t len, int last)
{
  char why[80];
  unsigned long number = b->stream.next + 1ul;
  if(b->stream.next == CHUNKS_MAX)
    return input_damaged(in, "has too many chunks");
  if(len < TAG_LEN)
    snprintf(why, sizeof(why), "is cut off in chunk %lu", number);
  else if(!stream_open(&b->stream, b->sealed, len - TAG_LEN, !last, b->plain))
    snprintf(why, sizeof(why), "has %schunk %lu changed or moved%s",
             number == 1 ? "its head or " : "", number,
             last ? ", or is cut off there" : "");
  else if(last)
    snprintf(why, sizeof(why), "is cut off after chunk %lu", number);
  else
    snprintf(why, sizeof(why), "goes on behind its end, chunk %lu", number);
  return input_damaged(in, why);
}

int open_body(const head *h, const uint8_t data_key[DATA_KEY_LEN], input *in,
              output *out)
{
  body b;
  int last = 0, code = body_begin(&b, h, data_key);
  while(!code && !last) {
    size_t len;
    code = input_read(in, b.sealed, h->chunk + TAG_LEN, &len, &last);
    if(code)
      break;
    if(len < TAG_LEN ||
       !stream_open(&b.stream, b.sealed, len - TAG_LEN, last, b.plain))
      code = explain(&b, in, len, last);
    else if(len == TAG_LEN && b.stream.next > 1)
      code = input_damaged(in, "ends in an empty chunk");
    else
      code = output_write(out, b.plain, len - TAG_LEN);
  }
  body_end(&b, h);
  return code;
}
