/* Signatures, public-key encryption, public keys, and from key to key. */
#include "typed.h"

#include <stdlib.h>

kmshsm_status do_sign(const given *g, json *answer)
{
  output out = {0};
  kmshsm_status status;
  do
    status = kmshsm_sign(g->session, g->key, g->version, g->algorithm,
                         (const uint8_t *)g->in.data, g->in.len, out.data,
                         out.capacity, &out.len);
  while(grow(status, &out, NULL));
  put_base64(status, answer, "Value", &out);
  return status;
}

kmshsm_status do_verify(const given *g, json *answer)
{
  int is_valid = -1;
  kmshsm_status status =
      kmshsm_verify(g->session, g->key, g->version, g->algorithm,
                    (const uint8_t *)g->in.data, g->in.len,
                    (const uint8_t *)g->other.data, g->other.len, &is_valid);
  if(!status && (is_valid == 0 || is_valid == 1))
    json_set(answer, "Value", json_new(is_valid ? JSON_TRUE : JSON_FALSE));
  return status;
}

kmshsm_status do_asymmetric_encrypt(const given *g, json *answer)
{
  output out = {0};
  kmshsm_status status;
  do
    status =
        kmshsm_asymmetric_encrypt(g->session, g->key, g->version, g->algorithm,
                                  (const uint8_t *)g->in.data, g->in.len,
                                  out.data, out.capacity, &out.len);
  while(grow(status, &out, NULL));
  put_base64(status, answer, "CiphertextBlob", &out);
  return status;
}

kmshsm_status do_asymmetric_decrypt(const given *g, json *answer)
{
  output out = {0};
  kmshsm_status status;
  do
    status =
        kmshsm_asymmetric_decrypt(g->session, g->key, g->version, g->algorithm,
                                  (const uint8_t *)g->in.data, g->in.len,
                                  out.data, out.capacity, &out.len);
  while(grow(status, &out, NULL));
  put_base64(status, answer, "Plaintext", &out);
  return status;
}

kmshsm_status do_public_key(const given *g, json *answer)
{
  output out = {0};
  kmshsm_status status;
  do
    status = kmshsm_public_key(g->session, g->key, g->version, out.data,
                               out.capacity, &out.len);
  while(grow(status, &out, NULL));
  if(!status)
    json_set(answer, "PublicKey", json_text((const char *)out.data, out.len));
  free(out.data);
  return status;
}

kmshsm_status do_re_encrypt(const given *g, json *answer)
{
  output out = {0};
  kmshsm_status status;
  do
    status = kmshsm_re_encrypt(
        g->session, (const uint8_t *)g->in.data, g->in.len, g->source_key,
        g->source_version, g->source_algorithm, g->context, g->destination_key,
        g->destination_context, out.data, out.capacity, &out.len);
  while(grow(status, &out, NULL));
  put_base64(status, answer, "CiphertextBlob", &out);
  return status;
}

kmshsm_status do_export(const given *g, json *answer)
{
  output out = {0};
  kmshsm_status status;
  do
    status = kmshsm_export_data_key(
        g->session, (const uint8_t *)g->in.data, g->in.len, g->context,
        (const uint8_t *)g->other.data, g->other.len, g->wrapping_spec,
        g->wrapping_algorithm, out.data, out.capacity, &out.len);
  while(grow(status, &out, NULL));
  put_base64(status, answer, "ExportedDataKey", &out);
  return status;
}

kmshsm_status do_generate_and_export(const given *g, json *answer)
{
  output sealed = {0}, exported = {0};
  kmshsm_status status;
  do
    status = kmshsm_generate_and_export_data_key(
        g->session, g->key, (size_t)g->number, g->context,
        (const uint8_t *)g->other.data, g->other.len, g->wrapping_spec,
        g->wrapping_algorithm, sealed.data, sealed.capacity, &sealed.len,
        exported.data, exported.capacity, &exported.len);
  while(grow(status, &sealed, &exported));
  put_base64(status, answer, "CiphertextBlob", &sealed);
  put_base64(status, answer, "ExportedDataKey", &exported);
  return status;
}
