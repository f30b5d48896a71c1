#include "steps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OAEP "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:"

static const struct {
  const char *algorithm;
  const char *options;
} wrappings[] = {
    {"RSAES_PKCS1_V1_5", "-pkeyopt rsa_padding_mode:pkcs1"},
    {"RSAES_OAEP_SHA_1", OAEP "sha1 -pkeyopt rsa_mgf1_md:sha1"},
    {"RSAES_OAEP_SHA_256", OAEP "sha256 -pkeyopt rsa_mgf1_md:sha256"},
};

static int write_file(const char *path, const buffer *data)
{
  FILE *file = fopen(path, "wb");
  int ok;
  if(!file)
    return 0;
  ok = fwrite(data->data, 1, data->len, file) == data->len;
  return fclose(file) == 0 && ok;
}

static int read_file(const char *path, buffer *data)
{
  FILE *file = fopen(path, "rb");
  char part[4096];
  size_t len;
  if(!file)
    return 0;
  while((len = fread(part, 1, sizeof(part), file)) > 0)
    buffer_add(data, part, len);
  return fclose(file) == 0;
}

/* Wraps as an outside party would: by the openssl program. */
static int openssl(const char *options, const buffer *public,
                   const buffer *material, buffer *wrapped)
{
  char place[] = "/tmp/kmshsm-wrap-XXXXXX";
  char in[64], out[64], command[512];
  FILE *pipe;
  int ok = 0;
  if(!mkdtemp(place))
    return 0;
  snprintf(in, sizeof(in), "%s/public", place);
  snprintf(out, sizeof(out), "%s/wrapped", place);
  snprintf(command, sizeof(command),
           "openssl pkeyutl -encrypt -pubin -keyform DER -inkey %s %s -out %s",
           in, options, out);
  if(write_file(in, public)) {
    pipe = popen(command, "w");
    if(pipe) {
      ok = fwrite(material->data, 1, material->len, pipe) == material->len;
      ok = pclose(pipe) == 0 && ok && read_file(out, wrapped);
    }
  }
  unlink(in);
  unlink(out);
  rmdir(place);
  return ok;
}

static void put(outcome *o, const char *name, const buffer *bytes)
{
  buffer text = {0};
  base64_encode(&text, (const uint8_t *)bytes->data, bytes->len);
  json_set(o->answer, name, json_text(text.data, text.len));
  buffer_free(&text);
}

static const char *run_wrap(const json *with, outcome *o)
{
  const json *public_text = json_get(with, "PublicKey");
  const json *hex = json_get(with, "KeyMaterial");
  const char *algorithm = json_string(with, "WrappingAlgorithm");
  const char *problem = "wrap takes PublicKey, WrappingAlgorithm, KeyMaterial";
  buffer public = {0}, material = {0}, wrapped = {0};
  size_t i;
  for(i = 0; i < sizeof(wrappings) / sizeof(*wrappings); i++) {
    if(!algorithm || strcmp(algorithm, wrappings[i].algorithm) ||
       !public_text || !hex)
      continue;
    problem = "the openssl program has not wrapped";
    if(base64_decode(&public, public_text->text, public_text->len) &&
       hex_decode(&material, hex->text, hex->len) &&
       openssl(wrappings[i].options, &public, &material, &wrapped)) {
      put(o, "EncryptedKeyMaterial", &wrapped);
      problem = NULL;
    }
  }
  buffer_free(&public);
  buffer_free(&material);
  buffer_free(&wrapped);
  return problem;
}

/* flip and cut: the bytes with one bit turned over, or the first of them. */
static const char *run_change(const json *with, const json *amount, int flip,
                              outcome *o)
{
  const json *text = json_get(with, "Base64");
  const char *problem = "flip takes Base64 and Bit, cut Base64 and Bytes";
  buffer bytes = {0};
  if(text && text->type == JSON_STRING && amount &&
     amount->type == JSON_NUMBER &&
     base64_decode(&bytes, text->text, text->len)) {
    size_t n = strtoul(amount->text, NULL, 10);
    if(n >= bytes.len * (flip ? 8 : 1) + !flip)
      problem = "there are not as many bytes";
    else {
      if(flip)
        bytes.data[n / 8] = (char)(bytes.data[n / 8] ^ (0x80 >> n % 8));
      else
        bytes.len = n;
      put(o, "Base64", &bytes);
      problem = NULL;
    }
  }
  buffer_free(&bytes);
  return problem;
}

/* What stands between the lines of PEM that begin with a dash. */
static const char *run_der(const json *with, outcome *o)
{
  const char *at = json_string(with, "PublicKey");
  buffer out = {0};
  if(!at)
    return "der takes PublicKey";
  while(*at) {
    size_t len = strcspn(at, "\n");
    if(*at != '-')
      buffer_add(&out, at, len);
    at += len + (at[len] == '\n');
  }
  json_set(o->answer, "PublicKeyBlob", json_text(out.data, out.len));
  buffer_free(&out);
  return NULL;
}

static const char *run_repeat(const json *with, outcome *o)
{
  const json *text = json_get(with, "Text");
  const json *count = json_get(with, "Count");
  buffer out = {0};
  unsigned long n;
  if(!text || text->type != JSON_STRING || !count ||
     count->type != JSON_NUMBER)
    return "repeat takes Text and Count";
  for(n = strtoul(count->text, NULL, 10); n; n--)
    buffer_add(&out, text->text, text->len);
  json_set(o->answer, "Text", json_text(out.data, out.len));
  buffer_free(&out);
  return NULL;
}

int run_own_step(const char *call, const json *with, outcome *o)
{
  const char *problem;
  json *answer = o->answer = json_new(JSON_OBJECT);
  if(!strcmp(call, "wrap"))
    problem = run_wrap(with, o);
  else if(!strcmp(call, "flip"))
    problem = run_change(with, json_get(with, "Bit"), 1, o);
  else if(!strcmp(call, "cut"))
    problem = run_change(with, json_get(with, "Bytes"), 0, o);
  else if(!strcmp(call, "der"))
    problem = run_der(with, o);
  else if(!strcmp(call, "repeat"))
    problem = run_repeat(with, o);
  else {
    json_free(answer);
    o->answer = NULL;
    return 0;
  }
  if(problem)
    outcome_fail(o, 0, problem);
  return 1;
}
