// A table of bad configurations: each has exactly one thing wrong, and exactly that is said, at exactly its
// place.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <string>
#include <vector>

#include "proxy/config/load.hpp"

namespace sluice::config {

struct Row {
  std::string yaml;
  int line, column;
  std::string reason;      // a regular expression that is found in the complaint
  std::string suggestion;  // the word behind "did you mean"; "" for none
};

// Good configurations with one piece left open: `piece` begins at the line and column in the function's name.
inline std::string listener_4_5(const std::string& piece) {
  return "listeners:\n"
         "  - name: web\n"
         "    bind: \"127.0.0.1:8080\"\n"
         "    " +
         piece +
         "\n"
         "services: {api: {pools: {blue: {backends: [\"127.0.0.1:9001\"]}, green: {backends: []}},\n"
         "                 split: {blue: 95%, green: 5%}}}\n";
}

inline std::string service_7_5(const std::string& piece) {
  return "listeners: [{name: web, bind: \"127.0.0.1:8080\"}]\n"
         "routes: [{service: api}]\n"
         "services:\n"
         "  api:\n"
         "    pools: {blue: {backends: [\"127.0.0.1:9001\"]}, green: {backends: []}}\n"
         "    split: {blue: 95%, green: 5%}\n"
         "    " +
         piece + "\n";
}

inline std::string pools_5_5(const std::string& piece) {
  return "listeners: [{name: web, bind: \"127.0.0.1:8080\"}]\n"
         "routes: [{service: api}]\n"
         "services:\n"
         "  api:\n"
         "    " +
         piece + "\n";
}

inline std::string top_3_1(const std::string& piece) {
  return "listeners: [{name: web, bind: \"127.0.0.1:8080\"}]\n"
         "services: {api: {pools: {blue: {backends: [\"127.0.0.1:9001\"]}}}, front: {pools: {v1: {backends: "
         "[\"127.0.0.1:9002\"]}}}}\n" +
         piece + "\n";
}

inline std::vector<std::string> texts(const std::vector<Complaint>& complaints) {
  std::vector<std::string> all;
  for (const auto& complaint : complaints) all.push_back(complaint.text());
  return all;
}

inline void expect_complaint(const Row& row) {
  SCOPED_TRACE(row.yaml);
  const Loaded loaded = load_text(row.yaml, "bad.yaml");
  EXPECT_FALSE(loaded.spec.has_value());
  ASSERT_EQ(loaded.complaints.size(), 1u) << testing::PrintToString(texts(loaded.complaints));
  const Complaint& complaint = loaded.complaints[0];
  EXPECT_EQ(complaint.line, row.line) << complaint.text();
  EXPECT_EQ(complaint.column, row.column) << complaint.text();
  EXPECT_TRUE(std::regex_search(complaint.what, std::regex(row.reason)))
      << complaint.text() << "\n  is not about " << row.reason;
  EXPECT_EQ(complaint.suggestion, row.suggestion) << complaint.text();
  const std::string place = "bad.yaml:" + std::to_string(row.line) + ":" + std::to_string(row.column) + ": ";
  EXPECT_TRUE(complaint.text().starts_with(place)) << complaint.text();
}

inline void expect_complaints(const std::vector<Row>& rows) {
  for (const Row& row : rows) expect_complaint(row);
}

}  // namespace sluice::config
