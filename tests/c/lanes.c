#include "lanes.h"
#include "typed.h"

#include <stdlib.h>
#include <string.h>

/* The typed functions, the parameters that each needs, and those that it takes
   besides. */
static const struct {
  const char *action, *needed, *more;
  typed_function *call;
} functions[] = {
    {"Encrypt", "KeyId Plaintext", "EncryptionContext", do_encrypt},
    {"Decrypt", "CiphertextBlob", "EncryptionContext", do_decrypt},
    {"GenerateDataKey", "KeyId NumberOfBytes", "EncryptionContext",
     do_data_key},
    {"GenerateDataKeyWithoutPlaintext", "KeyId NumberOfBytes",
     "EncryptionContext", do_sealed_key},
    {"GenerateRandom", "Length", "", do_random},
    {"GetParametersForImport", "KeyId WrappingKeySpec WrappingAlgorithm", "",
     do_parameters},
    {"ImportKeyMaterial", "KeyId EncryptedKeyMaterial ImportToken",
     "KeyMaterialExpireUnix", do_import},
    {"AsymmetricSign", "KeyId KeyVersionId Algorithm Digest", "", do_sign},
    {"AsymmetricVerify", "KeyId KeyVersionId Algorithm Digest Value", "",
     do_verify},
    {"AsymmetricEncrypt", "KeyId KeyVersionId Algorithm Plaintext", "",
     do_asymmetric_encrypt},
    {"AsymmetricDecrypt", "KeyId KeyVersionId Algorithm CiphertextBlob", "",
     do_asymmetric_decrypt},
    {"GetPublicKey", "KeyId KeyVersionId", "", do_public_key},
    {"ReEncrypt", "CiphertextBlob DestinationKeyId",
     "SourceKeyId SourceKeyVersionId SourceEncryptionAlgorithm "
     "SourceEncryptionContext DestinationEncryptionContext",
     do_re_encrypt},
    {"ExportDataKey",
     "CiphertextBlob PublicKeyBlob WrappingKeySpec WrappingAlgorithm",
     "EncryptionContext", do_export},
    {"GenerateAndExportDataKey",
     "KeyId NumberOfBytes PublicKeyBlob WrappingKeySpec WrappingAlgorithm",
     "EncryptionContext", do_generate_and_export},
};

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

int grow(kmshsm_status status, output *one, output *two)
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

void put_base64(kmshsm_status status, json *answer, const char *name,
                output *out)
{
  buffer text = {0};
  if(!status) {
    base64_encode(&text, out->data, out->len);
    json_set(answer, name, json_text(text.data, text.len));
    buffer_free(&text);
  }
  free(out->data);
}

/* The typed function of the action if the parameters are just its own. */
static typed_function *choose(const char *action, const json *with)
{
  size_t i;
  for(i = 0; i < sizeof(functions) / sizeof(*functions); i++)
    if(!strcmp(functions[i].action, action))
      return has_just(with, functions[i].needed, functions[i].more)
                 ? functions[i].call
                 : NULL;
  return NULL;
}

int call_typed(const kmshsm_session *session, const char *action,
               const json *with, outcome *o)
{
  given g = {0};
  typed_function *function = choose(action, with);
  if(function && !given_read(&g, with, function == do_encrypt))
    function = NULL;
  if(function) {
    kmshsm_status status;
    g.session = session;
    o->answer = json_new(JSON_OBJECT);
    o->typed = 1;
    status = function(&g, o->answer);
    if(status)
      outcome_fail(o, status, NULL);
  }
  given_free(&g);
  return function != NULL;
}
