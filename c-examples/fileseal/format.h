/* The sealed file: a head, and chunks behind it; see ../../docs/fileseal.md.
 */
#ifndef FORMAT_H
#define FORMAT_H

#include "files.h"
#include "stream.h"

#define FIXED_LEN 13
#define BLOB_MAX 1024
#define CHUNK_MAX (1 << 24)

typedef struct {
  uint8_t fixed[FIXED_LEN]; /* magic, version and chunk size: in every chunk */
  size_t chunk;
  uint8_t blob[BLOB_MAX]; /* the encrypted data key */
  size_t blob_len;
  uint8_t prefix[PREFIX_LEN];
} head;

/* Begins the head of a new file: what `rewrap` leaves as it is. */
void head_begin(head *h, size_t chunk);
int head_read(head *h, input *in);
int head_write(const head *h, output *out);
size_t head_len(const head *h);

/* Seals or opens all chunks. */
int seal_body(const head *h, const uint8_t data_key[DATA_KEY_LEN], input *in,
              output *out);
int open_body(const head *h, const uint8_t data_key[DATA_KEY_LEN], input *in,
              output *out);

#endif
