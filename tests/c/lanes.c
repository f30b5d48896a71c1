#include "lanes.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* An output buffer, sized as the library asks. */
typedef struct output {
  uint8_t *data;
  size_t capacity;
  size_t len;
} output;

/* The parameters of a typed call. */
typedef struct arguments {
  const kmshsm_session *session;
  const json *with;
  const char *key;
  char *context;
  buffer in;
  buffer token;
  uint64_t number;
} arguments;

void outcome_free(outcome *o)
{
  free(o->code);
  free(o->message);
  json_free(o->answer);
  memset(o, 0, sizeof(*o));
}

void outcome_fail(outcome *o, kmshsm_status status, const char *text)
{
  const char *code = status ? kmshsm_status_name(status) : "runner";
  if(status)
    text = kmshsm_last_error();
  if(!code)
    code = "(status without a name)";
  if(!text)
    text = "(no text)";
  o->status = status;
  o->code = copy_text(code, strlen(code));
  o->message = copy_text(text, strlen(text));
}

void call_json(const kmshsm_session *session, const char *action,
               const char *parameters, outcome *o)
{
  char *answer = NULL;
  kmshsm_status status = kmshsm_call(session, action, parameters, &answer);
  if(status) {
    outcome_fail(o, status, NULL);
    if(answer)
      outcome_fail(o, 0, "a failed call has left an answer");
    return;
  }
  if(answer)
    o->answer = json_parse(answer, strlen(answer));
  if(!o->answer || o->answer->type != JSON_OBJECT)
    outcome_fail(o, 0, "the answer is no JSON object");
  kmshsm_string_free(answer);
}

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

/* Whether `with` has all of the first words and none beyond the second. */
static int has_just(const json *with, const char *needed, const char *more)
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

/* A string without NUL, or NULL. */
static const char *c_text(const json *with, const char *name)
{
  const json *value = json_get(with, name);
  if(!value || value->type != JSON_STRING || strlen(value->text) != value->len)
    return NULL;
  return value->text;
}

static int get_base64(const json *with, const char *name, buffer *out)
{
  const json *value = json_get(with, name);
  return value && value->type == JSON_STRING &&
         base64_decode(out, value->text, value->len);
}

static int get_plaintext(const json *with, buffer *out)
{
  const json *value = json_get(with, "Plaintext");
  if(value->type != JSON_STRING)
    return 0;
  if(!base64_decode(out, value->text, value->len)) {
    buffer_free(out);
    buffer_add(out, value->text, value->len);
  }
  return 1;
}

static int get_context(const json *with, char **context)
{
  const json *value = json_get(with, "EncryptionContext");
  buffer text = {0};
  if(!value)
    return 1;
  if(value->type == JSON_STRING && strlen(value->text) == value->len)
    buffer_add(&text, value->text, value->len);
  else if(value->type >= JSON_LIST)
    json_write(&text, value);
  else
    return 0;
  *context = text.data;
  return 1;
}

static int get_number(const json *with, const char *name, uint64_t *number)
{
  const json *value = json_get(with, name);
  *number = 0;
  if(!value)
    return 1;
  if((value->type != JSON_NUMBER && value->type != JSON_STRING) ||
     !value->len || value->len > 18 ||
     strspn(value->text, "0123456789") != value->len)
    return 0;
  *number = strtoull(value->text, NULL, 10);
  return 1;
}

static void put_base64(json *answer, const char *name, const output *out)
{
  buffer text = {0};
  base64_encode(&text, out->data, out->len);
  json_set(answer, name, json_text(text.data, text.len));
  buffer_free(&text);
}

static void put_time(json *answer, const char *name, uint64_t unix_time)
{
  time_t seconds = (time_t)unix_time;
  struct tm utc;
  char text[32];
  if(gmtime_r(&seconds, &utc) &&
     strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc))
    json_set(answer, name, json_text(text, strlen(text)));
}

/* After the first call, which had no room: makes as much as was asked for. */
static int grow(kmshsm_status status, output *one, output *two)
{
  const char *name = kmshsm_status_name(status);
  if(one->data || !name || strcmp(name, "Abi.BufferTooSmall"))
    return 0;
  one->capacity = one->len;
  one->data = take(one->capacity);
  if(two) {
    two->capacity = two->len;
    two->data = take(two->capacity);
  }
  return 1;
}

static kmshsm_status do_encrypt(const arguments *a, json *answer)
{
  output out = {0};
  kmshsm_status status;
  do
    status = kmshsm_encrypt(a->session, a->key, (const uint8_t *)a->in.data,
                            a->in.len, a->context, out.data, out.capacity,
                            &out.len);
  while(grow(status, &out, NULL));
  if(!status)
    put_base64(answer, "CiphertextBlob", &out);
  free(out.data);
  return status;
}

static kmshsm_status do_decrypt(const arguments *a, json *answer)
{
  output out = {0};
  kmshsm_status status;
  do
    status = kmshsm_decrypt(a->session, (const uint8_t *)a->in.data, a->in.len,
                            a->context, out.data, out.capacity, &out.len);
  while(grow(status, &out, NULL));
  if(!status)
    put_base64(answer, "Plaintext", &out);
  free(out.data);
  return status;
}

static kmshsm_status do_data_key(const arguments *a, json *answer)
{
  output plain = {0}, sealed = {0};
  kmshsm_status status;
  do
    status = kmshsm_generate_data_key(
        a->session, a->key, (size_t)a->number, a->context, plain.data,
        plain.capacity, &plain.len, sealed.data, sealed.capacity, &sealed.len);
  while(grow(status, &plain, &sealed));
  if(!status) {
    put_base64(answer, "Plaintext", &plain);
    put_base64(answer, "CiphertextBlob", &sealed);
  }
  free(plain.data);
  free(sealed.data);
  return status;
}

static kmshsm_status do_sealed_key(const arguments *a, json *answer)
{
  output sealed = {0};
  kmshsm_status status;
  do
    status = kmshsm_generate_data_key_without_plaintext(
        a->session, a->key, (size_t)a->number, a->context, sealed.data,
        sealed.capacity, &sealed.len);
  while(grow(status, &sealed, NULL));
  if(!status)
    put_base64(answer, "CiphertextBlob", &sealed);
  free(sealed.data);
  return status;
}

static kmshsm_status do_random(const arguments *a, json *answer)
{
  output random = {0};
  kmshsm_status status;
  do
    status = kmshsm_random(a->session, (size_t)a->number, random.data,
                           random.capacity, &random.len);
  while(grow(status, &random, NULL));
  if(!status)
    put_base64(answer, "Random", &random);
  free(random.data);
  return status;
}

static kmshsm_status do_parameters(const arguments *a, json *answer)
{
  const char *spec = c_text(a->with, "WrappingKeySpec");
  const char *algorithm = c_text(a->with, "WrappingAlgorithm");
  output public = {0}, token = {0};
  uint64_t expires = 0;
  kmshsm_status status;
  do
    status = kmshsm_parameters_for_import(
        a->session, a->key, spec, algorithm, public.data, public.capacity,
        &public.len, token.data, token.capacity, &token.len, &expires);
  while(grow(status, &public, &token));
  if(!status) {
    put_base64(answer, "PublicKey", &public);
    put_base64(answer, "ImportToken", &token);
    put_time(answer, "TokenExpireTime", expires);
  }
  free(public.data);
  free(token.data);
  return status;
}

static kmshsm_status do_import(const arguments *a, json *answer)
{
  (void)answer;
  return kmshsm_import_key_material(
      a->session, a->key, (const uint8_t *)a->in.data, a->in.len,
      (const uint8_t *)a->token.data, a->token.len, a->number);
}

typedef kmshsm_status typed_function(const arguments *a, json *answer);

/* The typed function of the action if the parameters are just its own. */
static typed_function *choose(const char *action, const json *with,
                              arguments *a)
{
  if(!strcmp(action, "Decrypt"))
    return has_just(with, "CiphertextBlob", "EncryptionContext") &&
                   get_base64(with, "CiphertextBlob", &a->in)
               ? do_decrypt
               : NULL;
  if(!strcmp(action, "GenerateRandom"))
    return has_just(with, "Length", "") &&
                   get_number(with, "Length", &a->number)
               ? do_random
               : NULL;
  a->key = c_text(with, "KeyId");
  if(!a->key)
    return NULL;
  if(!strcmp(action, "Encrypt"))
    return has_just(with, "KeyId Plaintext", "EncryptionContext") &&
                   get_plaintext(with, &a->in)
               ? do_encrypt
               : NULL;
  if(!strcmp(action, "GenerateDataKey") ||
     !strcmp(action, "GenerateDataKeyWithoutPlaintext")) {
    if(!has_just(with, "KeyId NumberOfBytes", "EncryptionContext") ||
       !get_number(with, "NumberOfBytes", &a->number))
      return NULL;
    return action[15] ? do_sealed_key : do_data_key;
  }
  if(!strcmp(action, "GetParametersForImport"))
    return has_just(with, "KeyId WrappingKeySpec WrappingAlgorithm", "") &&
                   c_text(with, "WrappingKeySpec") &&
                   c_text(with, "WrappingAlgorithm")
               ? do_parameters
               : NULL;
  if(!strcmp(action, "ImportKeyMaterial"))
    return has_just(with, "KeyId EncryptedKeyMaterial ImportToken",
                    "KeyMaterialExpireUnix") &&
                   get_base64(with, "EncryptedKeyMaterial", &a->in) &&
                   get_base64(with, "ImportToken", &a->token) &&
                   get_number(with, "KeyMaterialExpireUnix", &a->number)
               ? do_import
               : NULL;
  return NULL;
}

int call_typed(const kmshsm_session *session, const char *action,
               const json *with, outcome *o)
{
  arguments a = {0};
  typed_function *function = choose(action, with, &a);
  if(function && !get_context(with, &a.context))
    function = NULL;
  if(function) {
    kmshsm_status status;
    a.session = session;
    a.with = with;
    o->answer = json_new(JSON_OBJECT);
    o->typed = 1;
    status = function(&a, o->answer);
    if(status)
      outcome_fail(o, status, NULL);
  }
  free(a.context);
  buffer_free(&a.in);
  buffer_free(&a.token);
  return function != NULL;
}
