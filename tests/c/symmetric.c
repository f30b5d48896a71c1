/* Encrypting, data keys, random bytes, import. */
#include "typed.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static void put_time(json *answer, const char *name, uint64_t unix_time)
{
  time_t seconds = (time_t)unix_time;
  struct tm utc;
  char text[32];
  if(gmtime_r(&seconds, &utc) &&
     strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc))
    json_set(answer, name, json_text(text, strlen(text)));
}

kmshsm_status do_encrypt(const given *g, json *answer)
{
  output out = {0};
  kmshsm_status status;
  do
    status = kmshsm_encrypt(g->session, g->key, (const uint8_t *)g->in.data,
                            g->in.len, g->context, out.data, out.capacity,
                            &out.len);
  while(grow(status, &out, NULL));
  put_base64(status, answer, "CiphertextBlob", &out);
  return status;
}

kmshsm_status do_decrypt(const given *g, json *answer)
{
  output out = {0};
  kmshsm_status status;
  do
    status = kmshsm_decrypt(g->session, (const uint8_t *)g->in.data, g->in.len,
                            g->context, out.data, out.capacity, &out.len);
  while(grow(status, &out, NULL));
  put_base64(status, answer, "Plaintext", &out);
  return status;
}

kmshsm_status do_data_key(const given *g, json *answer)
{
  output plain = {0}, sealed = {0};
  kmshsm_status status;
  do
    status = kmshsm_generate_data_key(
        g->session, g->key, (size_t)g->number, g->context, plain.data,
        plain.capacity, &plain.len, sealed.data, sealed.capacity, &sealed.len);
  while(grow(status, &plain, &sealed));
  put_base64(status, answer, "Plaintext", &plain);
  put_base64(status, answer, "CiphertextBlob", &sealed);
  return status;
}

kmshsm_status do_sealed_key(const given *g, json *answer)
{
  output sealed = {0};
  kmshsm_status status;
  do
    status = kmshsm_generate_data_key_without_plaintext(
        g->session, g->key, (size_t)g->number, g->context, sealed.data,
        sealed.capacity, &sealed.len);
  while(grow(status, &sealed, NULL));
  put_base64(status, answer, "CiphertextBlob", &sealed);
  return status;
}

kmshsm_status do_random(const given *g, json *answer)
{
  output random = {0};
  kmshsm_status status;
  do
    status = kmshsm_random(g->session, (size_t)g->number, random.data,
                           random.capacity, &random.len);
  while(grow(status, &random, NULL));
  put_base64(status, answer, "Random", &random);
  return status;
}

kmshsm_status do_parameters(const given *g, json *answer)
{
  output public = {0}, token = {0};
  uint64_t expires = 0;
  kmshsm_status status;
  do
    status = kmshsm_parameters_for_import(
        g->session, g->key, g->wrapping_spec, g->wrapping_algorithm,
        public.data, public.capacity, &public.len, token.data, token.capacity,
        &token.len, &expires);
  while(grow(status, &public, &token));
  put_base64(status, answer, "PublicKey", &public);
  put_base64(status, answer, "ImportToken", &token);
  if(!status)
    put_time(answer, "TokenExpireTime", expires);
  return status;
}

kmshsm_status do_import(const given *g, json *answer)
{
  (void)answer;
  return kmshsm_import_key_material(
      g->session, g->key, (const uint8_t *)g->in.data, g->in.len,
      (const uint8_t *)g->other.data, g->other.len, g->number);
}
