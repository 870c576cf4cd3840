#include "control/audit/verifier.hpp"

#include <openssl/evp.h>

#include <new>
#include <utility>

#include "control/protocol/token.hpp"

namespace sluice::audit {
namespace {

std::string times(std::uint64_t count, const std::string& thing) {
  return std::to_string(count) + " " + thing + (count == 1 ? "" : "s");
}

std::string span(std::uint64_t first, std::uint64_t last) {
  return first == last ? "number " + std::to_string(first)
                       : "numbers " + std::to_string(first) + " to " + std::to_string(last);
}

std::string finished(evp_md_ctx_st* context) {
  protocol::TokenDigest digest{};
  EVP_DigestFinal_ex(context, digest.data(), nullptr);
  return protocol::hex_of(digest);
}

}  // namespace

void Verifier::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Verifier::Verifier() : unchained_hash_(EVP_MD_CTX_new()) {
  if (!unchained_hash_) throw std::bad_alloc();
}
Verifier::~Verifier() = default;

void Verifier::file(std::string name) {
  end_file();
  found_.files.push_back(name);
  file_ = std::move(name);
  line_ = 0;
}

void Verifier::take(std::string_view bytes) {
  while (!found_.fault && !bytes.empty()) {
    const std::size_t newline = bytes.find('\n');
    if (newline == std::string_view::npos) {
      begun_ += bytes;
      return;
    }
    if (begun_.empty()) {
      line(bytes.substr(0, newline), true);
    } else {
      begun_ += bytes.substr(0, newline);
      line(std::exchange(begun_, std::string()), true);
    }
    bytes.remove_prefix(newline + 1);
  }
}

void Verifier::end_file() {
  if (!begun_.empty() && !found_.fault) line(std::exchange(begun_, std::string()), false);
  begun_.clear();
}

void Verifier::line(std::string_view text, bool whole) {
  ++line_;
  const auto link = whole ? link_in(text) : std::nullopt;
  if (link)
    add_link(*link);
  else
    add_unchained(text, whole);
}

void Verifier::add_unchained(std::string_view text, bool whole) {
  if (!whole) {
    fault("torn", "the file ends in the middle of this line; the next start of the daemon says so");
    return;
  }
  if (!unchained_) {
    unchained_ = Unchained{file_, line_, 0, 0};
    EVP_DigestInit_ex(unchained_hash_.get(), EVP_sha256(), nullptr);
  }
  ++unchained_->lines;
  unchained_->bytes += text.size() + 1;
  EVP_DigestUpdate(unchained_hash_.get(), text.data(), text.size());
  EVP_DigestUpdate(unchained_hash_.get(), "\n", 1);
}

// Lines of no chain stand before `link`: it has to speak of them.
bool Verifier::explains_unchained(const Link& link) {
  const Unchained before = *unchained_;
  unchained_.reset();
  const std::string hash = finished(unchained_hash_.get());
  if (link.unchained && link.unchained->bytes == before.bytes && link.unchained->hash == hash) {
    found_.unchained += before.lines;
    found_.notes.push_back(
        before.file + ":" + std::to_string(before.line) + ": " +
        (link.unchained->torn && before.lines == 1
             ? std::string("the line was not written to its end, as the start at ")
             : times(before.lines, "line") + " without a hash, which the daemon found at ") +
        link.time + (link.unchained->torn && before.lines == 1 ? " says" : ""));
    return true;
  }
  if (link.unchained) {
    fault_at(before.file, before.line, "changed",
             "what stands here without a hash is not what the daemon found at " + link.time);
    return false;
  }
  const bool instead = last_ && link.number == last_->number + 1 + before.lines;
  fault_at(before.file, before.line, instead ? "changed" : "inserted",
           instead ? "the line has no hash that could be read, as it was written with one"
                   : times(before.lines, "line") + " without a hash, of which the chain says nothing");
  return false;
}

void Verifier::add_link(const Link& link) {
  if (!link.fits) return fault("changed", "its bytes do not give the hash that it carries");
  if (unchained_ && !explains_unchained(link)) return;
  if (last_) {
    const std::uint64_t next = last_->number + 1;
    if (link.number > next)
      return fault("missing", "before it " + times(link.number - next, "line") +
                                  (link.number - next == 1 ? " is" : " are") +
                                  " missing: " + span(next, link.number - 1));
    if (link.number < next)
      return fault("inserted", "it has number " + std::to_string(link.number) + " and stands behind number " +
                                   std::to_string(last_->number));
    if (link.before != last_->hash)
      return fault("changed", "it was written behind a line of hash " + link.before +
                                  ", and stands behind one of " + last_->hash +
                                  ": that one was replaced with a hash of its own");
  } else {
    found_.first = link.number;
    found_.since = link.time;
    if (link.number == 1 && link.before != kNoHash)
      return fault("changed", "it has number 1 and names a line before it");
    if (link.number > 1)
      found_.notes.push_back("begins with number " + std::to_string(link.number) + ", behind " + link.before +
                             " in an earlier file");
  }
  last_ = Head{link.number, link.hash};
  found_.until = link.time;
  found_.head = {link.number, link.hash};
  ++found_.lines;
}

protocol::AuditVerified Verifier::end(const std::optional<Head>& head) {
  end_file();
  if (!found_.fault && unchained_) {
    if (last_)
      fault_at(unchained_->file, unchained_->line, "inserted",
               times(unchained_->lines, "line") + " without a hash behind the end of the chain");
    else
      fault_at(unchained_->file, unchained_->line, "unchained",
               "no line has a hash: they are all of a version before the chain");
  }
  if (!found_.fault && head && (last_ ? *last_ : Head()) != *head) {
    ++line_;
    const std::uint64_t number = last_ ? last_->number : 0;
    if (head->number > number)
      fault("missing", "the log ends before " + span(number + 1, head->number) + ", which were written");
    else
      fault("changed", "the log ends with number " + std::to_string(number) + " of hash " + found_.head.hash +
                           ", but what was written is number " + std::to_string(head->number) + " of hash " +
                           head->hash);
  }
  found_.whole = !found_.fault;
  return found_;
}

void Verifier::fault(std::string kind, std::string text) {
  fault_at(file_, line_, std::move(kind), std::move(text));
}

void Verifier::fault_at(const std::string& file, std::uint64_t line, std::string kind, std::string text) {
  found_.fault = protocol::AuditFault{file, line, std::move(kind), std::move(text)};
}

std::uint64_t first_number_in(std::string_view content) {
  while (!content.empty()) {
    const std::size_t newline = content.find('\n');
    if (const auto link = link_in(content.substr(0, newline))) return link->number;
    if (newline == std::string_view::npos) break;
    content.remove_prefix(newline + 1);
  }
  return 0;
}

}  // namespace sluice::audit
