// Which events are worth a notice.
#include "control/change/notice_of.hpp"

#include <gmock/gmock.h>

#include "control/change/certificates.hpp"

namespace sluice::change {
namespace {

using notify::NoticeKind;
using testing::HasSubstr;

Event event_of(std::string type, std::string service, boost::json::object detail, std::string text = "text") {
  return {1,
          std::chrono::system_clock::time_point(std::chrono::seconds(1'700'000'000)),
          std::move(type),
          std::move(service),
          std::move(text),
          std::move(detail)};
}

boost::json::object change_by(std::string_view verb) {
  return {{"verb", verb},
          {"before", "api blue=95% green=5%"},
          {"after", "api blue=100% green=0%; api rollout to green: rolled back"},
          {"reason", "INC-12"},
          {"actor", "uid 0"},
          {"services", {"api"}},
          {"undo", "sluicectl undo"}};
}

TEST(NoticeOf, TheWaysBackAreToldAndOtherChangesAreNot) {
  for (const char* verb : {"rollback", "rollout back", "rollout abort", "revert"}) {
    const auto notice = notice_of(event_of("change", "api", change_by(verb)), 8);
    ASSERT_TRUE(notice) << verb;
    EXPECT_EQ(notice->kind, NoticeKind::rolled_back);
    EXPECT_EQ(notice->text, "api went back, by uid 0: INC-12; now api blue=100% green=0%");
    EXPECT_EQ(notice->undo, "sluicectl undo");
    EXPECT_EQ(notice->actor, "uid 0");
    EXPECT_EQ(notice->generation, 8u);
    EXPECT_EQ(notice->time, 1'700'000'000'000);
  }
  EXPECT_EQ(notice_of(event_of("change", "api", change_by("rollout done")), 8)->kind,
            NoticeKind::rollout_done);
  for (const char* verb : {"split", "cutover", "undo", "rollout step", "reload", "drain"})
    EXPECT_FALSE(notice_of(event_of("change", "api", change_by(verb)), 8)) << verb;
}

TEST(NoticeOf, SeveralServicesThatGoBackTogetherAreOneNotice) {
  auto detail = change_by("rollout back");
  detail["services"] = {"api", "web"};
  const auto notice = notice_of(event_of("change", "", std::move(detail)), 8);
  EXPECT_THAT(notice->services, testing::ElementsAre("api", "web"));
  EXPECT_THAT(notice->text, testing::StartsWith("api, web went back"));
}

TEST(NoticeOf, AGateThatFailedIsToldAndAStepIsNot) {
  const auto notice = notice_of(
      event_of("rollout", "api", {{"gate", "p95 max 500 ms"}, {"why", "p95: too slow"}, {"pool", "green"}}),
      8);
  ASSERT_TRUE(notice);
  EXPECT_EQ(notice->kind, NoticeKind::gate_failed);
  EXPECT_EQ(notice->text, "a gate of api failed: p95: too slow");
  EXPECT_EQ(notice->next, "sluicectl rollout status api");
  EXPECT_FALSE(notice_of(event_of("rollout", "api", {{"rollout", 3}}), 8));
}

TEST(NoticeOf, ADrainIsToldWhenItHadToClose) {
  const auto notice = notice_of(
      event_of("drained", "api", {{"clean", 4}, {"forced", 2}, {"pool", "blue"}, {"backend", "b1"}}), 8);
  ASSERT_TRUE(notice);
  EXPECT_THAT(notice->reason, testing::StartsWith("2 of 6 requests"));
  EXPECT_EQ(notice->undo, "sluicectl ready api/blue/b1");
  EXPECT_FALSE(notice_of(event_of("drained", "api", {{"clean", 4}, {"forced", 0}}), 8));
}

boost::json::object flip(std::string_view was, std::string_view health, std::string_view admin = "ready") {
  return {{"pool", "blue"}, {"backend", "b1"},  {"admin", admin},
          {"was", was},     {"health", health}, {"error", health == "down" ? "connect: refused" : ""}};
}
std::optional<NoticeKind> kind_of(boost::json::object detail) {
  const auto notice = notice_of(event_of("health", "api", std::move(detail)), 8);
  return notice ? std::optional(notice->kind) : std::nullopt;
}

TEST(NoticeOf, HealthIsToldWhereItConcernsTraffic) {
  EXPECT_EQ(kind_of(flip("up", "down")), NoticeKind::backend_down);
  EXPECT_EQ(kind_of(flip("unknown", "down")), NoticeKind::backend_down);
  EXPECT_EQ(kind_of(flip("down", "up")), NoticeKind::backend_up);
  EXPECT_EQ(kind_of(flip("ejected", "unknown")), NoticeKind::backend_up);
  EXPECT_EQ(kind_of(flip("unknown", "up")), std::nullopt);
  EXPECT_EQ(kind_of(flip("up", "ejected")), std::nullopt) << "its own event says more";
  EXPECT_EQ(kind_of(flip("up", "down", "maint")), std::nullopt) << "the operator took it out";
  EXPECT_EQ(kind_of({{"lifted", "2 probes in a row were passed"}}), NoticeKind::backend_up);
  const auto down = notice_of(event_of("health", "api", flip("up", "down")), 8);
  EXPECT_EQ(down->text, "api/blue/b1 is down: connect: refused");
  EXPECT_EQ(notice_of(event_of("ejected", "api", {{"errors", 5}}), 8)->reason, "5 requests in a row failed");
}

TEST(NoticeOf, ARetentionIsToldWhenItEndsAndItsHookIsNot) {
  EXPECT_EQ(notice_of(event_of("retain", "api", {{"pool", "blue"}, {"ended", "over"}}), 8)->reason,
            "the time is over");
  EXPECT_FALSE(notice_of(event_of("retain", "api", {{"pool", "blue"}}), 8));
}

TEST(NoticeOf, OfOrdersForCertificatesThoseThatFailAreTold) {
  const Event failed = event_of("certificate", "", {{"listener", "tls"}, {"result", "failed"}});
  const auto notice = notice_of(failed, 8);
  ASSERT_TRUE(notice);
  EXPECT_EQ(notice->kind, notify::NoticeKind::certificate_ending);
  EXPECT_EQ(notice->subject, "listener tls");
  EXPECT_EQ(notice->reason, failed.text);
  EXPECT_FALSE(notice_of(event_of("certificate", "", {{"listener", "tls"}, {"result", "issued"}}), 8));
}

TEST(NoticeOf, NothingElseIsTold) {
  for (const char* type :
       {"warning", "reload", "shutdown", "notify", "quiet", "preview", "resolved", "reverted"})
    EXPECT_FALSE(notice_of(event_of(type, "api", change_by("rollback")), 8)) << type;
}

// --- certificates, by a clock of the test's own

constexpr std::int64_t kDay = 86'400;

config::Spec with_certificate(std::int64_t not_after) {
  config::Spec spec;
  auto& listener = spec.listeners.emplace_back();
  listener.name = "tls";
  listener.tls.emplace().certificates.emplace_back().cert = "site.pem";
  listener.tls->certificates.back().not_after = not_after;
  return spec;
}

TEST(NoticeOf, TheWayBackIsLostAndThereAgain) {
  for (const bool ready : {false, true}) {
    const auto notice = notice_of(
        event_of("rollback", "api",
                 {{"pool", "blue"}, {"ready", ready}, {"text", "not ready: blue has 0 of 1 backend up"}}),
        8);
    ASSERT_TRUE(notice);
    EXPECT_EQ(notice->kind, ready ? NoticeKind::rollback_ready : NoticeKind::rollback_lost);
    EXPECT_EQ(notice->subject, "api/blue");
    EXPECT_EQ(notice->reason, "not ready: blue has 0 of 1 backend up");
    EXPECT_EQ(notice->next, "sluicectl status api");
  }
}

TEST(CertificatesWatched, EachThresholdIsToldOnce) {
  const config::Spec spec = with_certificate(1000 * kDay);
  CertificateWatch watch;
  std::vector<std::string> told;
  for (std::int64_t now = 900 * kDay; now < 1010 * kDay; now += 60)
    for (const auto& ending : watch.look(spec, now)) told.push_back(ending.left);
  EXPECT_THAT(told, testing::ElementsAre("expires in 29 days", "expires in 6 days", "expires in 23 hours",
                                         "has expired"));
}

TEST(CertificatesWatched, OneThatIsFoundLateIsToldAtOnceAndOneThatIsRenewedBeginsAnew) {
  CertificateWatch watch;
  EXPECT_EQ(watch.look(with_certificate(1000 * kDay), 995 * kDay).size(), 1u);
  EXPECT_EQ(watch.look(with_certificate(1000 * kDay), 995 * kDay).size(), 0u);
  EXPECT_EQ(watch.look(with_certificate(1090 * kDay), 996 * kDay).size(), 0u);
  EXPECT_EQ(watch.look(with_certificate(1090 * kDay), 1061 * kDay).size(), 1u);
  EXPECT_EQ(watch.look(with_certificate(1080 * kDay), 1061 * kDay).size(), 1u)
      << "another one that is ending";
  EXPECT_EQ(watch.look(config::Spec(), 1061 * kDay).size(), 0u);
  EXPECT_EQ(watch.look(with_certificate(1080 * kDay), 1061 * kDay).size(), 1u) << "back again";
}

TEST(CertificatesWatched, WhatIsSaid) {
  const auto all = endings(with_certificate(100 * kDay), 100 * kDay - 3700);
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].text, "listener tls: the certificate site.pem expires in 1 hour");
}

}  // namespace
}  // namespace sluice::change
