/* STREAM (Hoang, Reyhanitabar, Rogaway, Vizar: Online Authenticated-Encryption
 * and its Nonce-Reuse Misuse-Resistance, CRYPTO 2015) over AES-256-GCM: each
 * chunk is sealed with its number and whether it is the last one, so that no
 * chunk opens in another place. Nonce: prefix (7) | number (4) | last (1).
 */
#ifndef STREAM_H
#define STREAM_H

#include <openssl/types.h>
#include <stddef.h>
#include <stdint.h>

#define DATA_KEY_LEN 32
#define PREFIX_LEN 7
#define TAG_LEN 16

/* How many chunks a stream has at most. Tests make it less. */
#ifndef CHUNKS_MAX
#define CHUNKS_MAX UINT32_MAX
#endif

typedef struct {
  EVP_CIPHER_CTX *cipher;
  uint8_t prefix[PREFIX_LEN];
  const uint8_t *bound; /* what every chunk authenticates besides itself */
  size_t bound_len;
  uint32_t next; /* the number of the next chunk */
} stream;

/* `bound` must stay where it is. Answers whether there was memory for it; end
   it in either case. */
int stream_begin(stream *s, const uint8_t data_key[DATA_KEY_LEN],
                 const uint8_t prefix[PREFIX_LEN], const uint8_t *bound,
                 size_t bound_len);

/* Wipes the key, too. */
void stream_end(stream *s);

/* Seals the next chunk: `out` gets len + TAG_LEN bytes. Answers whether that
   went well, which no input prevents. */
int stream_seal(stream *s, const uint8_t *in, size_t len, int last,
                uint8_t *out);

/* Opens the next chunk, of len + TAG_LEN bytes: `out` gets len. Answers
   whether it is authentic; if not, `out` is worth nothing, and the same chunk
   may be tried again. */
int stream_open(stream *s, const uint8_t *in, size_t len, int last,
                uint8_t *out);

#endif
