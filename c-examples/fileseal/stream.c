#include "stream.h"

#include <openssl/evp.h>
#include <string.h>

int stream_begin(stream *s, const uint8_t data_key[DATA_KEY_LEN],
                 const uint8_t prefix[PREFIX_LEN], const uint8_t *bound,
                 size_t bound_len)
{
  memcpy(s->prefix, prefix, PREFIX_LEN);
  s->bound = bound;
  s->bound_len = bound_len;
  s->next = 0;
  s->cipher = EVP_CIPHER_CTX_new();
  return s->cipher && EVP_CipherInit_ex(s->cipher, EVP_aes_256_gcm(), NULL,
                                        data_key, NULL, 1);
}

void stream_end(stream *s)
{
  EVP_CIPHER_CTX_free(s->cipher);
}

/* Begins the next chunk: its nonce and what it is bound to. */
static int begin_chunk(const stream *s, int last, int sealing)
{
  uint8_t nonce[PREFIX_LEN + 5];
  int done;
  memcpy(nonce, s->prefix, PREFIX_LEN);
  nonce[PREFIX_LEN] = (uint8_t)(s->next >> 24);
  nonce[PREFIX_LEN + 1] = (uint8_t)(s->next >> 16);
  nonce[PREFIX_LEN + 2] = (uint8_t)(s->next >> 8);
  nonce[PREFIX_LEN + 3] = (uint8_t)s->next;
  nonce[PREFIX_LEN + 4] = last ? 1 : 0;
  return s->next < CHUNKS_MAX &&
         EVP_CipherInit_ex(s->cipher, NULL, NULL, NULL, nonce, sealing) &&
         EVP_CipherUpdate(s->cipher, NULL, &done, s->bound, (int)s->bound_len);
}

int stream_seal(stream *s, const uint8_t *in, size_t len, int last,
                uint8_t *out)
{
  int done;
  if(!begin_chunk(s, last, 1) ||
     !EVP_CipherUpdate(s->cipher, out, &done, in, (int)len) ||
     !EVP_CipherFinal_ex(s->cipher, out + len, &done) ||
     !EVP_CIPHER_CTX_ctrl(s->cipher, EVP_CTRL_AEAD_GET_TAG, TAG_LEN,
                          out + len))
    return 0;
  s->next++;
  return 1;
}

int stream_open(stream *s, const uint8_t *in, size_t len, int last,
                uint8_t *out)
{
  uint8_t tag[TAG_LEN];
  int done;
  memcpy(tag, in + len, TAG_LEN); /* OpenSSL takes no const tag */
  if(!begin_chunk(s, last, 0) ||
     !EVP_CipherUpdate(s->cipher, out, &done, in, (int)len) ||
     !EVP_CIPHER_CTX_ctrl(s->cipher, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, tag) ||
     !EVP_CipherFinal_ex(s->cipher, out + len, &done))
    return 0;
  s->next++;
  return 1;
}
