/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One HTTP request by curl. The only place that touches the network, and the only one that knows curl.
 *
 * A request is never sent twice: curl sends one anew by itself when a connection that it kept turns out dead,
 * or when an HTTP/2 server refuses a stream. So each has a connection of its own and speaks HTTP/1.1, and
 * before_request() stands guard. Our own copies of a key are erased here; those inside curl and TLS are out
 * of reach, but for what the allocator overwrites when it is freed. */
#include "daemon/helpers/huechat/http.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <curl/curl.h>
#include <glib.h>

#include "config.h"
#include "daemon/helpers/huechat/loopback.h"

#define BODY_MAX (1024 * 1024)
#define HEADERS_MAX 128
#define HEADER_BYTES_MAX (64 * 1024)

static const char *const header_names[HTTP_HEADER_COUNT] = {
    [HTTP_DATE] = "Date",
    [HTTP_RETRY_AFTER] = "Retry-After",
    [HTTP_REQUEST_ID] = "X-Request-Id",
    [HTTP_RATE_LIMIT] = "X-RateLimit-Limit",
    [HTTP_RATE_REMAINING] = "X-RateLimit-Remaining",
    [HTTP_RATE_RESET] = "X-RateLimit-Reset",
};

/* An exchange under way. */
struct exchange {
    struct http_reply *reply;
    bool plain;          /* no TLS */
    size_t headers;      /* lines so far, of all responses */
    size_t header_bytes; /* of those */
    const char *refused; /* what we broke it off for, else NULL */
    char words[CURL_ERROR_SIZE];
};

int http_init(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? 0 : -EIO;
}

/* Connected, TLS done, nothing sent. */
static int before_request(void *userdata, char *peer, char *local, int peer_port, int local_port)
{
    struct exchange *exchange = userdata;

    if (exchange->reply->sent) {
        exchange->refused = "The request would have been sent twice";
        return CURL_PREREQFUNC_ABORT;
    }
    exchange->reply->sent = true;
    return CURL_PREREQFUNC_OK;
}

/* The last look at where a key goes unencrypted: a name can resolve to anything. */
static curl_socket_t open_socket(void *userdata, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct exchange *exchange = userdata;

    if (exchange->plain && !loopback_address(&address->addr)) {
        exchange->refused = "Plain HTTP to an address that is not a loopback one";
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t take_body(char *data, size_t size, size_t count, void *userdata)
{
    struct exchange *exchange = userdata;
    struct http_reply *reply = exchange->reply;
    size_t length = size * count;

    if (length > BODY_MAX - reply->length) {
        exchange->refused = "The answer is larger than 1 MiB";
        return 0;
    }
    memcpy(reply->body + reply->length, data, length);
    reply->length += length;
    return length;
}

static void forget_headers(struct http_reply *reply)
{
    for (size_t i = 0; i < HTTP_HEADER_COUNT; i++)
        g_clear_pointer(&reply->headers[i], g_free);
}

/* Of a header that is sent twice the first one counts. */
static void keep_header(struct http_reply *reply, const char *line, size_t length)
{
    for (size_t i = 0; i < HTTP_HEADER_COUNT; i++) {
        size_t name = strlen(header_names[i]);

        if (reply->headers[i] || length <= name || line[name] != ':' ||
            g_ascii_strncasecmp(line, header_names[i], name) != 0)
            continue;
        reply->headers[i] = g_strstrip(g_strndup(line + name + 1, length - name - 1));
    }
}

static size_t take_header(char *line, size_t size, size_t count, void *userdata)
{
    struct exchange *exchange = userdata;
    size_t length = size * count;

    exchange->headers++;
    exchange->header_bytes += length;
    if (exchange->headers > HEADERS_MAX || exchange->header_bytes > HEADER_BYTES_MAX) {
        exchange->refused = "The answer has too many headers";
        return 0;
    }
    if (length >= 5 && memcmp(line, "HTTP/", 5) == 0)
        forget_headers(exchange->reply);
    else if (exchange->reply->length == 0) /* no trailers */
        keep_header(exchange->reply, line, length);
    return length;
}

static void add_header(struct curl_slist **list, const char *name, const char *prefix, const char *value)
{
    char *line = g_strconcat(name, ": ", prefix, value, NULL);
    struct curl_slist *longer = curl_slist_append(*list, line);

    explicit_bzero(line, strlen(line));
    g_free(line);
    if (!longer)
        g_error("Out of memory");
    *list = longer;
}

static struct curl_slist *request_headers(const struct http_request *request)
{
    bool bearer = strcmp(request->key_header, "Authorization") == 0;
    struct curl_slist *list = NULL;

    add_header(&list, request->key_header, bearer ? "Bearer " : "", request->key);
    add_header(&list, "Accept", "", "application/json");
    if (request->body)
        add_header(&list, "Content-Type", "", "application/json");
    if (request->idempotency_key)
        add_header(&list, "Idempotency-Key", "", request->idempotency_key);
    return list;
}

static void erase_headers(struct curl_slist *list)
{
    for (struct curl_slist *i = list; i; i = i->next)
        explicit_bzero(i->data, strlen(i->data));
    curl_slist_free_all(list);
}

/* What to send. */
static CURLcode set_request(CURL *curl, const struct http_request *request, struct curl_slist *headers)
{
    CURLcode code = CURLE_OK;

    code |= curl_easy_setopt(curl, CURLOPT_URL, request->url);
    code |= curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    code |= curl_easy_setopt(curl, CURLOPT_USERAGENT, "keyturn/" KT_VERSION);
    code |= curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    code |=
        curl_easy_setopt(curl, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE); /* none of them to a proxy */
    if (request->body)
        code |= curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
    code |= curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
    return code;
}

/* How it may travel. */
static CURLcode set_route(CURL *curl, const struct http_request *request, bool plain)
{
    long timeout = (long)((request->timeout + USEC_PER_MSEC - 1) / USEC_PER_MSEC);
    CURLcode code = CURLE_OK;

    code |= curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
    code |= curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    code |= curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    code |= curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    code |= curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    if (*request->ca_file) {
        code |= curl_easy_setopt(curl, CURLOPT_CAINFO, request->ca_file);
        code |= curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
    code |=
        curl_easy_setopt(curl, CURLOPT_PROXY, plain ? "" : request->proxy); /* empty: nor the environment's */
    code |= curl_easy_setopt(curl, CURLOPT_NOPROXY, "");
    code |= curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    code |= curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    code |= curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    code |= curl_easy_setopt(curl, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    code |= curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, 1L);
    code |= curl_easy_setopt(curl, CURLOPT_FORBID_REUSE, 1L);
    code |= curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout);
    code |= curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, timeout);
    code |= curl_easy_setopt(curl, CURLOPT_QUICK_EXIT, 1L); /* a slow resolver is not waited for */
    code |= curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    code |= curl_easy_setopt(curl, CURLOPT_VERBOSE, 0L);
    return code;
}

/* Who looks on. */
static CURLcode set_callbacks(CURL *curl, struct exchange *exchange)
{
    CURLcode code = CURLE_OK;

    code |= curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, exchange->words);
    code |= curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    code |= curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, exchange);
    code |= curl_easy_setopt(curl, CURLOPT_PREREQFUNCTION, before_request);
    code |= curl_easy_setopt(curl, CURLOPT_PREREQDATA, exchange);
    code |= curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    code |= curl_easy_setopt(curl, CURLOPT_HEADERDATA, exchange);
    code |= curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    code |= curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange);
    return code;
}

/* Whether the URL is one that may be asked at all; if not, it says why. */
static bool look_at_url(const char *url, struct exchange *exchange)
{
    CURLU *parts = curl_url();
    char *scheme = NULL, *host = NULL;

    if (!parts || curl_url_set(parts, CURLUPART_URL, url, CURLU_DISALLOW_USER) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK ||
        curl_url_get(parts, CURLUPART_HOST, &host, 0) != CURLUE_OK) {
        exchange->refused = "The base URL can't be understood";
    } else {
        exchange->plain = strcmp(scheme, "https") != 0;
        if (exchange->plain && !loopback_host(host))
            exchange->refused = "Plain HTTP to a host that is not a loopback address: use https";
    }
    curl_free(scheme);
    curl_free(host);
    curl_url_cleanup(parts);
    return !exchange->refused;
}

static CURLcode perform(CURL *curl, const struct http_request *request, struct exchange *exchange)
{
    struct curl_slist *headers = request_headers(request);
    CURLcode code;

    code = set_request(curl, request, headers);
    code |= set_route(curl, request, exchange->plain);
    code |= set_callbacks(curl, exchange);
    if (code != CURLE_OK)
        exchange->refused = "This libcurl lacks an option that is needed";
    else
        code = curl_easy_perform(curl);
    erase_headers(headers);
    return code;
}

static unsigned final_status(CURL *curl)
{
    long status = 0;

    if (curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) != CURLE_OK || status < 200 || status > 999)
        return 0;
    return (unsigned)status;
}

void http_exchange(const struct http_request *request, struct http_reply *ret)
{
    struct exchange exchange = {.reply = ret};
    CURLcode code = CURLE_FAILED_INIT;
    CURL *curl = curl_easy_init();

    *ret = (struct http_reply){.body = g_malloc0(BODY_MAX + 1)};
    if (curl && look_at_url(request->url, &exchange)) {
        code = perform(curl, request, &exchange);
        ret->status = final_status(curl);
    }
    ret->whole = code == CURLE_OK && ret->status != 0;
    if (!ret->whole)
        ret->trouble = g_strdup(exchange.refused   ? exchange.refused
                                : *exchange.words  ? exchange.words
                                : code == CURLE_OK ? "No answer came"
                                                   : curl_easy_strerror(code));
    curl_easy_cleanup(curl);
}

void http_reply_clear(struct http_reply *reply)
{
    if (reply->body)
        explicit_bzero(reply->body, reply->length);
    g_free(reply->body);
    forget_headers(reply);
    g_free(reply->trouble);
    *reply = (struct http_reply){0};
}
