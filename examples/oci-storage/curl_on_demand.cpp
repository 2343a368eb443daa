// The functions of libcurl that the library calls, each of which loads libcurl when it is called first: with the 30
// libraries that libcurl has, the dynamic linker would take longer than most commands, which need no network.

#include <cstdarg>
#include <curl/curl.h>
#include <dlfcn.h>

namespace {

void* library() {
  static void* const handle = ::dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  return handle;
}

/// Null if there is no libcurl; then `curl_global_init` says so, and nothing else is called.
template <class Function>
Function* loaded(Function*, char const* name) {
  return library() == nullptr ? nullptr : reinterpret_cast<Function*>(::dlsym(library(), name));
}

}  // namespace

#define STRATA_LOADED(name)                         \
  static auto* const real = loaded(&(name), #name); \
  return real

extern "C" {

CURLcode curl_global_init(long flags) {
  if (library() == nullptr) return CURLE_FAILED_INIT;
  STRATA_LOADED(curl_global_init)(flags);
}
CURL* curl_easy_init() { STRATA_LOADED(curl_easy_init)(); }
void curl_easy_cleanup(CURL* easy) { STRATA_LOADED(curl_easy_cleanup)(easy); }
void curl_easy_reset(CURL* easy) { STRATA_LOADED(curl_easy_reset)(easy); }
CURLcode curl_easy_pause(CURL* easy, int state) { STRATA_LOADED(curl_easy_pause)(easy, state); }
char const* curl_easy_strerror(CURLcode code) { STRATA_LOADED(curl_easy_strerror)(code); }
curl_version_info_data* curl_version_info(CURLversion version) { STRATA_LOADED(curl_version_info)(version); }
curl_slist* curl_slist_append(curl_slist* list, char const* text) {
  STRATA_LOADED(curl_slist_append)(list, text);
}
void curl_slist_free_all(curl_slist* list) { STRATA_LOADED(curl_slist_free_all)(list); }
CURLM* curl_multi_init() { STRATA_LOADED(curl_multi_init)(); }
CURLMcode curl_multi_cleanup(CURLM* multi) { STRATA_LOADED(curl_multi_cleanup)(multi); }
CURLMcode curl_multi_add_handle(CURLM* multi, CURL* easy) {
  STRATA_LOADED(curl_multi_add_handle)(multi, easy);
}
CURLMcode curl_multi_remove_handle(CURLM* multi, CURL* easy) {
  STRATA_LOADED(curl_multi_remove_handle)(multi, easy);
}
CURLMcode curl_multi_perform(CURLM* multi, int* running) {
  STRATA_LOADED(curl_multi_perform)(multi, running);
}
CURLMsg* curl_multi_info_read(CURLM* multi, int* left) { STRATA_LOADED(curl_multi_info_read)(multi, left); }
CURLMcode curl_multi_poll(CURLM* multi, curl_waitfd* more, unsigned count, int milliseconds, int* ready) {
  STRATA_LOADED(curl_multi_poll)(multi, more, count, milliseconds, ready);
}

// Each option takes a long, a pointer or a curl_off_t: of one size, and passed alike.
CURLcode(curl_easy_setopt)(CURL* easy, CURLoption option, ...) {
  static_assert(sizeof(long) == sizeof(void*) && sizeof(curl_off_t) == sizeof(void*));
  static auto* const real = loaded(&(curl_easy_setopt), "curl_easy_setopt");
  va_list values;
  va_start(values, option);
  auto* const value = va_arg(values, void*);
  va_end(values);
  return real(easy, option, value);
}

}  // extern "C"
