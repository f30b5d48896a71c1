#include "given.h"

#include <stdlib.h>
#include <string.h>

typedef enum kind { TEXT, BYTES, CONTEXT, NUMBER } kind;

#define AT(member) offsetof(given, member)

static const struct {
  const char *name;
  kind kind;
  size_t at;
} parameters[] = {
    {"KeyId", TEXT, AT(key)},
    {"KeyVersionId", TEXT, AT(version)},
    {"Algorithm", TEXT, AT(algorithm)},
    {"WrappingKeySpec", TEXT, AT(wrapping_spec)},
    {"WrappingAlgorithm", TEXT, AT(wrapping_algorithm)},
    {"SourceKeyId", TEXT, AT(source_key)},
    {"SourceKeyVersionId", TEXT, AT(source_version)},
    {"SourceEncryptionAlgorithm", TEXT, AT(source_algorithm)},
    {"DestinationKeyId", TEXT, AT(destination_key)},
    {"EncryptionContext", CONTEXT, AT(context)},
    {"SourceEncryptionContext", CONTEXT, AT(context)},
    {"DestinationEncryptionContext", CONTEXT, AT(destination_context)},
    {"Plaintext", BYTES, AT(in)},
    {"CiphertextBlob", BYTES, AT(in)},
    {"Digest", BYTES, AT(in)},
    {"EncryptedKeyMaterial", BYTES, AT(in)},
    {"Value", BYTES, AT(other)},
    {"PublicKeyBlob", BYTES, AT(other)},
    {"ImportToken", BYTES, AT(other)},
    {"NumberOfBytes", NUMBER, AT(number)},
    {"Length", NUMBER, AT(number)},
    {"KeyMaterialExpireUnix", NUMBER, AT(number)},
};

/* Whether `words`, separated by blanks, hold the word. */
static int among(const char *words, const char *word)
{
  size_t len = strlen(word);
  while(*words) {
    size_t next = strcspn(words, " ");
    if(next == len && !memcmp(words, word, len))
      return 1;
    words += next + (words[next] == ' ');
  }
  return 0;
}

int has_just(const json *with, const char *needed, const char *more)
{
  const json *item;
  size_t count = 1, found = 0;
  const char *at;
  for(at = needed; *at; at++)
    count += *at == ' ';
  for(item = with->items; item; item = item->next) {
    if(among(needed, item->name))
      found++;
    else if(!among(more, item->name))
      return 0;
  }
  return found == count;
}

static int is_c_text(const json *value)
{
  return value->type == JSON_STRING && strlen(value->text) == value->len;
}

static int read_bytes(buffer *out, const json *value, int takes_text)
{
  if(value->type != JSON_STRING)
    return 0;
  if(base64_decode(out, value->text, value->len))
    return 1;
  buffer_free(out);
  if(takes_text)
    buffer_add(out, value->text, value->len);
  return takes_text;
}

static int read_context(char **context, const json *value)
{
  buffer text = {0};
  if(is_c_text(value))
    buffer_add(&text, value->text, value->len);
  else if(value->type >= JSON_LIST)
    json_write(&text, value);
  else
    return 0;
  *context = text.data;
  return 1;
}

static int read_number(uint64_t *number, const json *value)
{
  if((value->type != JSON_NUMBER && value->type != JSON_STRING) ||
     !value->len || value->len > 18 ||
     strspn(value->text, "0123456789") != value->len)
    return 0;
  *number = strtoull(value->text, NULL, 10);
  return 1;
}

static int read_one(given *g, const json *item, int takes_text)
{
  size_t i;
  for(i = 0; i < sizeof(parameters) / sizeof(*parameters); i++) {
    char *at = (char *)g + parameters[i].at;
    if(strcmp(parameters[i].name, item->name))
      continue;
    switch(parameters[i].kind) {
    case TEXT:
      if(is_c_text(item))
        *(const char **)(void *)at = item->text;
      return is_c_text(item);
    case BYTES:
      return read_bytes((buffer *)(void *)at, item,
                        takes_text && !strcmp(item->name, "Plaintext"));
    case CONTEXT:
      return read_context((char **)(void *)at, item);
    case NUMBER:
      return read_number((uint64_t *)(void *)at, item);
    }
  }
  return 0;
}

int given_read(given *g, const json *with, int takes_text)
{
  const json *item;
  for(item = with->items; item; item = item->next)
    if(!read_one(g, item, takes_text))
      return 0;
  return 1;
}

void given_free(given *g)
{
  free(g->context);
  free(g->destination_context);
  buffer_free(&g->in);
  buffer_free(&g->other);
}
