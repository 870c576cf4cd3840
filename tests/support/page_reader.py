"""Does what a page of the documentation says (pages.py), on a stage (stage.py)."""
import json
import pathlib

from pages import Block, PageError, commands_of, completed, shows, untested
from waiting import wait_until


class Reader:
    """Does what a page says, as somebody who reads it from top to bottom."""

    def __init__(self, stage, name, patience=60):
        self.stage, self.name, self.patience = stage, name, patience  # seconds that a command may take
        self.written, self.commands = [], []

    def must(self, holds, line, complaint):
        if not holds:
            raise PageError(f"{self.name}:{line}: {complaint}")

    def read(self, found):
        for one in found:
            if not isinstance(one, Block):
                self.step(one)
            elif not one.not_run and "machine" not in one.told:
                self.block(one)
        for line, path in self.written:
            mentioned = any(pathlib.PurePath(path).name in command for command in self.commands)
            self.must(mentioned, line, f"no command of the page names {path}")

    def step(self, step):
        if step.word == "demo":
            self.stage.daemon(f"demo {step.argument}")
        elif step.word == "sh":
            code, printed = self.stage.run(step.argument)
            self.must(code == 0, step.line, f"what the page needs ended with {code}:\n{printed}")
        else:
            getattr(self.stage, step.word)(step.argument)

    def block(self, block):
        self.must(not untested(block), block.line, untested(block))
        if "file" in block.told:
            self.stage.write(block.told["file"], block.text)
            self.written.append((block.line, block.told["file"]))
        elif block.language == "yaml":
            self.configuration(block)
        elif block.language == "json":
            json.loads(block.text)
        else:
            self.console(block)

    def configuration(self, block):
        path = "/etc/sluice/sluice.yaml" if "start" in block.told or "reload" in block.told else "/etc/sluice/checked.yaml"
        self.stage.write(path, completed(block.text))
        code, printed = self.stage.run(f"sluiced --check --config {path}")
        self.must(code == 0, block.line, f"--check says:\n{printed}")
        if "start" in block.told:
            self.stage.daemon()
        elif "reload" in block.told:
            self.stage.must("sluicectl reload")

    def console(self, block):
        commands = commands_of(block)
        for i, command in enumerate(commands):
            self.commands.append(command.text)
            last = i + 1 == len(commands)
            if last and "background" in block.told:
                self.background(command)
                continue
            code, printed = self.stage.run(command.text, self.patience)
            wanted = int(block.told["fails"]) if last and "fails" in block.told else 0
            asked = not last and commands[i + 1].text == "echo $?"
            self.must(asked or code == wanted, command.line, f"`{command.text}` ended with {code}:\n{printed}")
            self.compare(command, printed)

    def compare(self, command, printed):
        shown = "\n".join(command.output)
        self.must(shows(command.output, printed), command.line,
                  f"`{command.text}` printed\n{printed}\nand the page shows\n{shown}\n(tests/renew_pages.py writes into a page what is printed)")

    def background(self, command):
        out = self.stage.background(command.text)
        wait_until(lambda: shows(command.output, out.read_text()), min(self.patience, 20),
                   lambda: f"what {self.name}:{command.line} shows; `{command.text}` printed:\n{out.read_text()}")
