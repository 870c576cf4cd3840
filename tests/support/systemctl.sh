#!/bin/sh
# On a stage of a page (stage.py): what systemctl does with Sluice's unit, without a systemd.
for last; do :; done
inside="/usr/bin/python3 $STAGE/stage_inside.py"
case "$1 $last" in
  "reload sluice") exec sluicectl reload ;;
  "enable sluice" | "start sluice" | "restart sluice") exec $inside start ;;
  "stop sluice") exec $inside stop ;;
  *) echo "the stage of a page has no 'systemctl $*'" >&2; exit 1 ;;
esac
