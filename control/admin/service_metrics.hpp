// What /metrics tells of services and their pools, by how much is told of each (told.hpp). Control thread
// only.
#pragma once

#include <memory>
#include <vector>

#include "control/admin/exposition.hpp"
#include "control/admin/told.hpp"
#include "control/admin/tracks.hpp"
#include "control/change/status_writer.hpp"

namespace sluice::admin {

// With more backends than this in all, their own series are left out where nothing but traffic is to be said
// of them: each has a dozen.
inline constexpr std::size_t kMostBackendSeries = 1000;
inline constexpr std::size_t kFewServices = 50;

class ServiceMetrics {
 public:
  // All of it outlives the metrics.
  ServiceMetrics(Exposition& out, const Tracks& tracks, const change::StatusWriter& views, Scale scale);
  ~ServiceMetrics();
  void add(const route::Service& service);
  // The histogram of all services: to be called after the last.
  void finish();

 private:
  struct Families;
  void add_pools(const route::Service& service);

  Exposition& out_;
  const Tracks& tracks_;
  const change::StatusWriter& views_;
  const Scale scale_;
  Buckets durations_;
  std::vector<LabelsId> pool_labels_;  // of the service that is being added
  std::unique_ptr<Families> to_;
};

}  // namespace sluice::admin
