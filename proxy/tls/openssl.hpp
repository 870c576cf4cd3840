// OpenSSL's objects with owners, and what its error queue has to say.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>

namespace sluice::tls {

template <auto Free>
struct Freed {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
using CtxPtr = std::unique_ptr<SSL_CTX, Freed<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, Freed<SSL_free>>;
using SessionPtr = std::unique_ptr<SSL_SESSION, Freed<SSL_SESSION_free>>;
using X509Ptr = std::unique_ptr<X509, Freed<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using BioPtr = std::unique_ptr<BIO, Freed<BIO_free>>;

// The reason of the oldest error in this thread's queue, in OpenSSL's words; empties the queue.
std::string take_error();

}  // namespace sluice::tls
