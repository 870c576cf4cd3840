#include "control/report/plot.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

#include "control/report/summary.hpp"

namespace sluice::report {
namespace {

constexpr double kWidth = 880, kHeight = 210, kLeft = 66, kRight = 92, kTop = 26, kBottom = 26;
constexpr double kPlotWidth = kWidth - kLeft - kRight, kPlotHeight = kHeight - kTop - kBottom;

std::string at(double value) {
  std::array<char, 32> text;
  const int size = std::snprintf(text.data(), text.size(), "%.1f", value);
  return std::string(text.data(), static_cast<std::size_t>(size));
}

// 1, 2 or 5 times a power of ten, at least `least`.
double nice(double least) {
  const double power = std::pow(10, std::floor(std::log10(least)));
  for (const double times : {1.0, 2.0, 5.0})
    if (times * power >= least * 0.999) return times * power;
  return 10 * power;
}

// Whole steps of a clock, in milliseconds.
std::int64_t nice_time(std::int64_t least) {
  constexpr std::int64_t kSecond = 1000, kMinute = 60 * kSecond, kHour = 60 * kMinute;
  for (const std::int64_t step :
       {kSecond, 2 * kSecond, 5 * kSecond, 10 * kSecond, 30 * kSecond, kMinute, 2 * kMinute, 5 * kMinute,
        10 * kMinute, 30 * kMinute, kHour, 2 * kHour, 6 * kHour, 12 * kHour})
    if (step >= least) return step;
  return (least / (24 * kHour) + 1) * 24 * kHour;
}

std::string elapsed(std::int64_t milliseconds) {
  const auto seconds = milliseconds / 1000;
  if (seconds == 0) return "start";
  if (seconds % 3600 == 0) return std::to_string(seconds / 3600) + " h";
  if (seconds % 60 == 0) return std::to_string(seconds / 60) + " min";
  return std::to_string(seconds) + " s";
}

// Where things stand in one plot.
class Frame {
 public:
  explicit Frame(const Plot& plot) : plot_(plot) {
    double most = plot.limit.value_or(0) * 1.35;
    for (const auto& band : plot.bands) most = std::max(most, band.asked.value_or(0) * 1.15);
    for (const auto& point : plot.points) most = std::max(most, point.value.value_or(0) * 1.15);
    // An interval is wide while little was seen: it may leave the plot.
    for (const auto& point : plot.points)
      most = std::max(most, std::min(point.upper.value_or(0), most * 1.25));
    if (most <= 0) most = plot.unit == "rate" ? 0.01 : plot.unit == "seconds" ? 0.01 : 1;
    step_ = nice(most / 4);
    top_ = step_ * std::ceil(most / step_ - 0.001);
    if (plot.unit == "rate") top_ = std::min(top_, 1.0);
  }

  double x(std::int64_t time) const {
    const double all = std::max<double>(1, static_cast<double>(plot_.to - plot_.from));
    return kLeft + kPlotWidth * std::clamp(static_cast<double>(time - plot_.from) / all, 0.0, 1.0);
  }
  double y(double value) const { return kTop + kPlotHeight * (1 - std::clamp(value / top_, 0.0, 1.0)); }
  double step() const { return step_; }
  double top() const { return top_; }

 private:
  const Plot& plot_;
  double step_ = 1, top_ = 1;
};

std::string svg_text(double x, double y, const char* kind, const std::string& what) {
  return "<text x=\"" + at(x) + "\" y=\"" + at(y) + "\" class=\"" + kind + "\">" + escaped(what) + "</text>";
}

std::string svg_line(double x1, double y1, double x2, double y2, const char* kind) {
  return "<line x1=\"" + at(x1) + "\" y1=\"" + at(y1) + "\" x2=\"" + at(x2) + "\" y2=\"" + at(y2) +
         "\" class=\"" + kind + "\"/>";
}

std::string grid(const Frame& frame, const Plot& plot) {
  std::string out;
  for (double value = 0; value <= frame.top() * 1.001; value += frame.step()) {
    out += svg_line(kLeft, frame.y(value), kLeft + kPlotWidth, frame.y(value), "grid");
    out +=
        svg_text(kLeft - 8, frame.y(value) + 4, "axis left", value == 0 ? "0" : value_text(value, plot.unit));
  }
  const std::int64_t length = plot.to - plot.from, step = nice_time(std::max<std::int64_t>(length / 6, 1));
  for (std::int64_t time = 0; time <= length; time += step)
    out += svg_text(frame.x(plot.from + time), kHeight - 8, "axis middle", elapsed(time));
  return out;
}

// The steps: every second one has a ground, each its label where there is room.
std::string bands(const Frame& frame, const Plot& plot) {
  constexpr double kCharacter = 6.6;
  std::string out;
  for (std::size_t i = 0; i < plot.bands.size(); ++i) {
    const auto& band = plot.bands[i];
    const double from = frame.x(band.from), width = frame.x(band.to) - from;
    if (i % 2 == 0)
      out += "<rect x=\"" + at(from) + "\" y=\"" + at(kTop) + "\" width=\"" + at(std::max(width, 0.5)) +
             "\" height=\"" + at(kPlotHeight) + "\" class=\"band\"/>";
    if (width > kCharacter * static_cast<double>(band.label.size()))
      out += svg_text(from + width / 2, kTop - 8, "step middle", band.label);
    if (band.asked) out += svg_line(from, frame.y(*band.asked), from + width, frame.y(*band.asked), "asked");
  }
  return out;
}

bool in_band(const Plot::Band& band, const Point& point) {
  return point.time >= band.from && point.time <= band.to;
}

// One step's points: the interval as an area, the value as a line.
std::string curve(const Frame& frame, const std::vector<Point>& points) {
  std::string upper, lower, value, out;
  for (const auto& point : points) {
    const std::string x = at(frame.x(point.time)) + ",";
    if (point.upper || point.lower) {
      upper += x + at(frame.y(point.upper.value_or(frame.top()))) + " ";
      lower = x + at(frame.y(point.lower.value_or(0))) + " " + lower;
    }
    if (point.value) value += x + at(frame.y(*point.value)) + " ";
  }
  if (!upper.empty()) out += "<polygon points=\"" + upper + lower + "\" class=\"interval\"/>";
  if (points.size() == 1 && points.front().value)
    return out + "<circle cx=\"" + at(frame.x(points.front().time)) + "\" cy=\"" +
           at(frame.y(*points.front().value)) + "\" r=\"2.5\" class=\"dot\"/>";
  if (!value.empty()) out += "<polyline points=\"" + value + "\" class=\"value\"/>";
  return out;
}

std::string curves(const Frame& frame, const Plot& plot) {
  std::string out;
  for (const auto& band : plot.bands) {
    std::vector<Point> inside;
    for (const auto& point : plot.points)
      if (in_band(band, point)) inside.push_back(point);
    if (!inside.empty()) out += curve(frame, inside);
  }
  return out;
}

// What the lines are, at the right end of the plot; where they would cover each other the limit gives way.
std::string labels(const Frame& frame, const Plot& plot) {
  constexpr double kApart = 14, kX = kLeft + kPlotWidth + 8;
  std::string out;
  double value_at = -100;
  if (!plot.points.empty() && plot.points.back().value) {
    value_at = frame.y(*plot.points.back().value) + 4;
    out += svg_text(kX, value_at, "label strong", value_text(*plot.points.back().value, plot.unit));
  }
  if (!plot.limit) return out;
  double limit_at = frame.y(*plot.limit) + 4;
  if (std::abs(limit_at - value_at) < kApart) limit_at = value_at + (limit_at < value_at ? -kApart : kApart);
  return out + svg_text(kX, limit_at, "label bad", "limit " + value_text(*plot.limit, plot.unit));
}

}  // namespace

std::string to_svg(const Plot& plot) {
  const Frame frame(plot);
  std::string out = "<svg viewBox=\"0 0 " + at(kWidth) + " " + at(kHeight) + "\" role=\"img\" aria-label=\"" +
                    escaped(plot.title) + "\">" + bands(frame, plot) + grid(frame, plot) +
                    curves(frame, plot);
  if (plot.limit)
    out += svg_line(kLeft, frame.y(*plot.limit), kLeft + kPlotWidth, frame.y(*plot.limit), "limit");
  if (plot.went_back && !plot.bands.empty()) {
    const double x = frame.x(plot.bands.back().to);
    out += svg_line(x, kTop, x, kTop + kPlotHeight, "back");
  }
  return out + labels(frame, plot) + "</svg>";
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (c == '"')
      out += "&quot;";
    else
      out += c;
  }
  return out;
}

}  // namespace sluice::report
