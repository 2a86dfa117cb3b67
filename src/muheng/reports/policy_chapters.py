"""Writes a policy as a document for people: what it is taken from, whom it rates, what it measures, how it grades.

Everything said here is said from the file and the compiled plan; nothing is added, and nothing that changes a
result is left out. Scores and tables of figures are in `policy_indicators`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from muheng.documents.message import Message, say
from muheng.documents.toml_file import KeyPath
from muheng.intake.facts import CODE
from muheng.policy import plan as p
from muheng.policy.compiling.workspace import read_standing
from muheng.policy.document import Adjustment, Boundaries, Definition, Input, Regrade, Veto
from muheng.policy.expression import Expression, Logic, Missing
from muheng.reports.phrases import Said, amount, any_of, day, figure, joined, quoted, unit_words
from muheng.reports.policy_indicators import limit_words, write_indicators
from muheng.reports.policy_places import Places
from muheng.reports.policy_text import Chapter, Passage, PolicyText, Row, Table
from muheng.reports.words import STANDINGS
from muheng.standards.rounding import format_exact


def write_policy(plan: p.Plan) -> PolicyText:
    """The whole document."""
    writer = PolicyWriter(plan)
    policy = plan.document.policy
    chapters = [
        Chapter("source", say("依据和适用期间"), tuple(writer.source())),
        Chapter("scope", say("评价对象"), tuple(writer.scope())),
        Chapter("data", say("需要的数据"), tuple(writer.data())),
        Chapter("terms", say("口径和定义"), tuple(writer.terms())),
        Chapter("merging", say("合并评价办法"), tuple(writer.merging())),
        Chapter("indicators", say("评价指标和计分"), tuple(write_indicators(writer))),
        Chapter("adjustments", say("加分和减分"), tuple(writer.adjustments())),
        Chapter("total", say("总分"), tuple(writer.total())),
        Chapter("grades", say("排名和定级"), tuple(writer.grades())),
        Chapter("regrading", say("等级调整和一票否决"), tuple(writer.regrading())),
        Chapter("open", say("依据文本没有说明的事项"), tuple(writer.open()), numbered=True),
    ]
    return PolicyText(
        policy.id,
        policy.name,
        policy.illustrative,
        tuple(chapter for chapter in chapters if chapter.parts),
    )


class PolicyWriter(Places):
    """One method a chapter."""

    # -- what it is ------------------------------------------------------------------------------------------

    def source(self) -> Iterator[Passage]:
        policy = self.document.policy
        given = policy.source
        parts: list[Said] = [given.document]
        parts += [given.number] if given.number else []
        parts += [day(given.date)] if given.date else []
        yield self.passage(("policy", "source"), say("依据：{source}。", source=joined(parts, "，")))
        yield self.passage(("policy", "source", "status"), say("所见文本：{status}。", status=given.status))
        if given.url:
            yield self.passage(("policy", "source", "url"), say("所见网页：{url}。", url=given.url))
        valid = policy.valid
        if valid.until is None:
            said = say("自{start}起适用。", start=day(valid.start))
        else:
            said = say("自{start}起适用，{until}起不再适用。", start=day(valid.start), until=day(valid.until))
        yield self.passage(("policy", "valid"), said)

    def open(self) -> Iterator[Passage]:
        for number, text in enumerate(self.document.policy.open):
            yield self.passage(("policy", "open", number), text)

    # -- whom it rates ---------------------------------------------------------------------------------------

    def scope(self) -> Iterator[Passage | Table]:
        classes = self.document.classes
        if len(classes) > 1:
            yield self.passage(
                ("class",),
                say("企业分 {count} 类评价，依次判断，先符合的为准。", count=len(classes)),
            )
        for name, declared in classes.items():
            path: KeyPath = ("class", name, "when") if declared.when else ("class", name)
            if declared.when is None:
                yield self.passage(path, say("名单上的企业都属于“{name}”。", name=name))
            else:
                condition = self.reader.condition(declared.when)
                said = say("{name}：{condition}的企业。", name=name, condition=condition)
                yield self.passage(path, said)
        rows = tuple(self._standing_row(rule) for rule in self.plan.standing.rules)
        if rows:
            title = say("下列企业不按参评企业评价；依次判断，先符合的为准")
            yield Table("exempt", title, _STANDING_HEADER, rows)

    def _standing_row(self, rule: p.StandingRule) -> Row:
        path = rule.path
        reason: Said = rule.reason
        match path:
            case ("exempt", int(index)):
                exemption = self.document.exempt[index]
                when = self.reader.condition(exemption.when)
            case ("input", str(name)):
                when = say("没有提供{name}", name=name)
                path = (*path, "missing")
            case ("define", str(name)):
                must = self.document.define[name].must or ""
                when = say("{name}不符合“{must}”的要求", name=name, must=_must_words(self, name, must))
                path = (*path, "else")
            case ("class", str(class_name), "indicator", int(index)):
                indicator = self.document.classes[class_name].indicator[index]
                if _asks_for_data(rule.tree):
                    when, path = say("指标“{name}”没有数据", name=indicator.name), (*path, "missing")
                else:
                    when, path = say("指标“{name}”的分母不大于零", name=indicator.name), (*path, "zero")
            case _:
                when = say("不属于以上任何一类")
                reason = say("不归入任何一类")
                path = ("class", "")
        notes: list[Said] = []
        if rule.only is not None:
            notes.append(say("只用于{classes}", classes=joined(rule.only)))
        if rule.scored:
            notes.append(say("仍计算得分"))
        if rule.treated_as:
            notes.append(say("配置要素时按 {grade} 对待", grade=rule.treated_as))
        standing = STANDINGS[rule.standing]
        cells: tuple[Said, ...] = (reason, when, standing, joined(notes, "；"), rule.clause or "—")
        said = say("{reason}（{condition}）：{standing}", reason=reason, condition=when, standing=standing)
        if notes:
            said = say("{what}，{notes}", what=said, notes=joined(notes, "，"))
        key = self.key(path)
        if path[:1] == ("class",) and rule.only is not None and path[1] not in rule.only:
            key += f"@{'、'.join(rule.only)}"  # a class that has another's indicators has its rules too
        return Row(key, cells, self.lines(path), say("{what}。", what=said), _STANDING_HEADER)

    # -- what it needs ---------------------------------------------------------------------------------------

    def data(self) -> Iterator[Table]:
        rows = tuple(
            self.row(("input", name), _DATA_HEADER, self._data_cells(name, declared))
            for name, declared in self.document.input.items()
        )
        yield Table("input", say("评价所用数据"), _DATA_HEADER, rows)

    def _data_cells(self, name: str, declared: Input) -> tuple[Said, ...]:
        notes: list[Said] = []
        if declared.values:
            notes.append(say("只填{values}", values=any_of([quoted(value) for value in declared.values])))
        if declared.levels:
            notes.append(say("由轻到重：{levels}", levels=joined(declared.levels)))
        if declared.basis:
            notes.append(BASES[declared.basis])
        if declared.digits is not None:
            notes.append(say("保留 {digits} 位小数", digits=declared.digits))
        if declared.range:
            low, high = declared.range
            notes.append(say("应在 {low} 至 {high} 之间", low=figure(low), high=figure(high)))
        unit = unit_words(declared.unit) if declared.unit else TYPES[declared.type]
        return (
            name,
            unit,
            declared.provider or "—",
            self.missing_data(declared),
            joined(notes, "；"),
            declared.clause or "—",
        )

    def missing_data(self, declared: Input) -> Said:
        """What happens without the data item."""
        rule = declared.missing
        if not isinstance(rule, str):
            return say("按 {figure}计", figure=amount(figure(rule), declared.unit or ""))
        if (found := read_standing(rule)) is not None:
            return say("{standing}：{reason}", standing=STANDINGS[found[0]], reason=found[1])
        match rule:
            case "得零分":
                return say("用到它的指标得零分")
            case "同组平均得分":
                return say("用到它的指标取同组平均得分")
            case "视为缺":
                return say("作为没有")
            case "报错":
                return say("必须提供，缺一户也不能评价")
        return say("按“{value}”计", value=rule)

    # -- terms -----------------------------------------------------------------------------------------------

    def terms(self) -> Iterator[Passage]:
        for name, definition in self.document.define.items():
            yield self.passage(("define", name), self._definition(name, definition), definition.clause)
        yield Passage(
            "terms.rounding",
            say("数值按规定的小数位数四舍五入，后一步用前一步四舍五入后的数计算；一个算式之内不作舍入。"),
            None,
        )
        yield Passage(
            "terms.missing",
            say("条件所涉及的数据没有提供的，该条件按不成立处理；规定了替代值的，按替代值判断。"),
            None,
        )

    def _definition(self, name: str, definition: Definition) -> Said:
        if definition.when is not None:
            return say(
                "“{name}”是指{condition}。", name=name, condition=self.reader.condition(definition.when)
            )
        if definition.group is not None:
            table = definition.table or {}
            groups = [
                say("{starts} 开头的为{group}", starts=joined(starts), group=quoted(label))
                for label, starts in table.items()
            ]
            other = say("其余为{group}", group=quoted(definition.other or "—"))
            return say(
                "“{name}”按{source}划分：{groups}。",
                name=name,
                source=definition.group,
                groups=joined([*groups, other], "；"),
            )
        node = self.plan.numeric(name)
        said = say(
            "{name}＝{formula}，单位{unit}，保留 {digits} 位小数",
            name=name,
            formula=self.reader.formula(definition.formula or ""),
            unit=unit_words(node.unit),
            digits=node.digits,
        )
        if definition.must is None:
            return say("{what}。", what=said)
        must = _must_words(self, name, definition.must)
        found = read_standing(definition.otherwise)
        otherwise: Said = (
            say("用到它的指标得零分")
            if found is None
            else say("{standing}（{reason}）", standing=STANDINGS[found[0]], reason=found[1])
        )
        return say("{what}；应{must}，否则{otherwise}。", what=said, must=must, otherwise=otherwise)

    # -- merging ---------------------------------------------------------------------------------------------

    def merging(self) -> Iterator[Passage]:
        merge = self.document.merge
        if merge is None:
            return
        yield self.passage(
            ("merge", "by"),
            say(
                "“{by}”相同的企业合并为一个评价对象：数值相加，其余各项以主体企业的为准。",
                by=merge.by,
            ),
            merge.clause,
        )
        if merge.lead is None:
            said = say("主体企业是其中{land}最大的一户；仍相同的，信用代码在前的为主体。", land=merge.land)
        else:
            said = say(
                "主体企业由数据项“{lead}”指明；没有指明的，是其中{land}最大的一户，仍相同的，信用代码在前的为主体。",
                lead=merge.lead,
                land=merge.land,
            )
        yield self.passage(("merge", "lead" if merge.lead else "land"), said)
        if merge.alone:
            condition = self.reader.condition(merge.alone)
            yield self.passage(
                ("merge", "alone"), say("{condition}的企业单独评价，不并入。", condition=condition)
            )
        if merge.result == "共享":
            said = say("合并评价的各户都用合并后的等级。")
        elif merge.official == "合并":
            said = say("独立评价和合并评价两个结果都计算，等级以合并评价为准。")
        else:
            said = say("独立评价和合并评价两个结果都计算，等级以独立评价为准。")
        yield self.passage(("merge", "result"), said)

    # -- points beside the indicators ------------------------------------------------------------------------

    def adjustments(self) -> Iterator[Passage | Table]:
        for name, limit in self.document.limit.items():
            bonus = [
                (("bonus", index), item)
                for index, item in enumerate(self.document.bonus)
                if item.limit == name
            ]
            deduction = [
                (("deduction", index), item)
                for index, item in enumerate(self.document.deduction)
                if item.limit == name
            ]
            if not bonus and not deduction:
                continue
            how = {
                "合计": say("各项相加"),
                "最高一项": say("符合多项的，只计分值最高的一项"),
                "第一项": say("符合多项的，只计排在最前的一项"),
            }[limit.take]
            cap = limit_words(limit.cap)
            if bonus:
                said = say("“{name}”一组是加分：{how}；上限：{cap}。", name=name, how=how, cap=cap)
            else:
                said = say("“{name}”一组是减分：{how}；上限：{cap}。", name=name, how=how, cap=cap)
            yield self.passage(("limit", name), said)
            rows = tuple(
                self.row(path, _POINTS_HEADER, self._points_cells(item))
                for path, item in (bonus or deduction)
            )
            yield Table(
                self.key(("limit", name, "items")), say("“{name}”的各项", name=name), _POINTS_HEADER, rows
            )

    def _points_cells(self, item: Adjustment) -> tuple[Said, ...]:
        when: Said = self.reader.condition(item.when) if item.when else say("全部企业")
        points: Said
        if item.points is not None and item.points in self.document.input:
            points = say("“{name}”填报的分数", name=item.points)
        elif item.points is not None:
            points = say("按 {formula} 计算", formula=self.reader.formula(item.points))
        elif isinstance(item.add, str) and item.add.strip().endswith("%"):
            points = say("指标得分合计的 {share}", share=item.add.strip())
        else:
            points = say("{points} 分", points=figure(item.add if item.add is not None else 0))
        classes: Said = joined(item.classes) if item.classes else say("全部")
        return (item.name, when, points, classes, item.clause or "—")

    def total(self) -> Iterator[Passage]:
        scoring = self.document.scoring
        node = self.plan.by_name[p.TOTAL]
        assert isinstance(node, p.Total)
        parts: list[Said] = [say("各项指标得分之和")]
        parts += [
            say("加“{name}”", name=name) if sign > 0 else say("减“{name}”", name=name)
            for name, sign in node.of
        ]
        yield self.passage(
            ("scoring",),
            say(
                "总分为{parts}，保留 {digits} 位小数；上限：{cap}；下限：{floor}。",
                parts=joined(parts, "，"),
                digits=scoring.total_digits,
                cap=limit_words(scoring.cap),
                floor=limit_words(scoring.floor),
            ),
        )

    # -- grades ----------------------------------------------------------------------------------------------

    def grades(self) -> Iterator[Passage | Table]:
        names: list[Said] = [
            grade if declared.name == grade else say("{grade}（{name}）", grade=grade, name=declared.name)
            for grade, declared in self.document.grade.items()
        ]
        yield self.passage(("grade",), say("等级由好到差分为：{grades}。", grades=joined(names)))
        for ranking in self.plan.rankings:
            yield from self._grading(ranking)

    def _grading(self, ranking: p.Ranking) -> Iterator[Passage | Table]:
        path = ranking.path
        grading = self.document.classes[str(path[1])].grading if path[0] == "class" else self.document.grading
        assert grading is not None
        many = len(self.plan.classes) > 1
        classes = joined(ranking.only)
        if grading.within:
            groups = joined(grading.within)
            said = (
                say("{classes}：在同一类、同一{groups}的参评企业中排名。", classes=classes, groups=groups)
                if many
                else say("在同一{groups}的参评企业中排名。", groups=groups)
            )
        else:
            said = (
                say("{classes}：在同一类的全体参评企业中排名。", classes=classes)
                if many
                else say("在全体参评企业中排名。")
            )
        yield self.passage((*path, "within"), said)
        if grading.small is not None:
            small = (
                say("不足 {below} 户的各组合并成一组排名。", below=grading.small.below)
                if grading.small.then == "合并小组"
                else say("不足 {below} 户的组，按在本类全体中的名次定级。", below=grading.small.below)
            )
            yield self.passage((*path, "small"), small)
        keys = joined([key_words(key) for key in ranking.order], "，")
        yield self.passage((*path, "order"), say("排名依次比较：{keys}；没有数据的排在最后。", keys=keys))
        yield self.passage((*path, "ties"), TIES[grading.ties])
        if grading.method == "两步":
            yield from self._steps(grading, ranking)
        else:
            yield Table(
                self.key((*path, "quota")),
                say("{classes}的等级", classes=classes) if many else say("评价等级"),
                _QUOTA_HEADER,
                tuple(self._quota_rows(grading, ranking)),
            )
        if any(bound.share is not None for bound in ranking.bounds) or ranking.steps:
            counted = joined([STANDINGS[standing] for standing in grading.counted])
            yield self.passage(
                (*path, "counted"), say("名额按{standings}企业的户数计算。", standings=counted)
            )
        if self.document.veto:
            yield self.passage((*path, "vetoed"), VETOED[grading.vetoed])
        if any(move.how == "set" and not move.veto for move in self.plan.regrading.moves):
            yield self.passage((*path, "direct"), DIRECT[grading.direct])

    def _quota_rows(self, grading: Boundaries, ranking: p.Ranking) -> Iterator[Row]:
        path = ranking.path
        before = Fraction(0)
        for bound in ranking.bounds:
            here = (*path, "quota", bound.grade)
            if bound.at_least is not None:
                cells: tuple[Said, ...] = (
                    bound.grade,
                    say("总分达到 {points} 分", points=format_exact(bound.at_least)),
                    "—",
                )
            else:
                share = Fraction(grading.quota[bound.grade].strip().rstrip("%")) / 100
                place = (
                    say("名次在前 {share} 以内", share=_percent(share))
                    if before == 0
                    else say(
                        "名次在 {before} 以后、{share} 以内",
                        before=_percent(before),
                        share=_percent(share),
                    )
                )
                before = share
                rounding = (
                    say("由下一级的户数确定")
                    if bound.tail
                    else say("本级及以上的户数{how}", how=ROUNDINGS[bound.rounding])
                )
                cells = (bound.grade, place, rounding)
            yield self._quota_row(here, cells)
        last = self.plan.grades[-1]
        tail = next((bound for bound in ranking.bounds if bound.tail), None)
        if tail is not None and tail.share is not None:
            cells = (
                last,
                say("其余，即末尾 {share}", share=_percent(tail.share)),
                say("本级的户数{how}", how=ROUNDINGS[tail.rounding]),
            )
        else:
            cells = (last, say("其余"), "—")
        yield self._quota_row((*path, "quota", last), cells)

    def _quota_row(self, path: KeyPath, cells: tuple[Said, ...]) -> Row:
        grade, place, rounding = cells
        said = say("{grade}：{place}", grade=grade, place=place)
        if rounding != "—":
            said = say("{what}（{note}）", what=said, note=rounding)
        return Row(self.key(path), cells, self.lines(path), say("{what}。", what=said), _QUOTA_HEADER)

    def _steps(self, grading: Boundaries, ranking: p.Ranking) -> Iterator[Passage]:
        for index, (step, declared) in enumerate(zip(ranking.steps, grading.step, strict=True)):
            part = (
                say("总分名次在后 {share} 的企业", share=_percent(step.part))
                if step.last
                else say("总分名次在前 {share} 的企业", share=_percent(step.part))
            )
            said = say(
                "第 {number} 步：{part}重新排名，依次比较：{keys}；取全部名额户数的 {share}（{how}），定为 {grade}。",
                number=index + 1,
                part=part,
                keys=joined([key_words(key) for key in step.order], "，"),
                share=_percent(step.share),
                how=ROUNDINGS[step.rounding],
                grade=step.grade,
            )
            yield self.passage((*ranking.path, "step", index), said, declared.clause)
        yield self.passage((*ranking.path, "rest"), say("其余企业定为 {grade}。", grade=ranking.rest))

    # -- regrading -------------------------------------------------------------------------------------------

    def regrading(self) -> Iterator[Passage | Table]:
        sections: tuple[tuple[str, Message, Sequence[Regrade | Veto]], ...] = (
            ("regrade", say("等级调整，按下列次序逐条执行"), self.document.regrade),
            ("veto", say("一票否决，在全部等级调整之后执行，加分和提档不能抵消"), self.document.veto),
        )
        moves = {move.path: move for move in self.plan.regrading.moves}
        for section, title, rules in sections:
            rows: list[Row] = []
            for index, rule in enumerate(rules):
                classes: Said = joined(rule.classes) if rule.classes else say("全部")
                cells: tuple[Said, ...] = (
                    rule.name,
                    self.reader.condition(rule.when),
                    move_words(moves[(section, index)]),
                    classes,
                    rule.clause or "—",
                )
                rows.append(self.row((section, index), _MOVE_HEADER, cells))
            if rows:
                yield Table(section, title, _MOVE_HEADER, tuple(rows))


def move_words(move: p.Move) -> Message:
    """提 1 档, 最高评为 C."""
    match move.how:
        case "set":
            return say("定为 {grade}", grade=move.grade)
        case "up":
            return say("提 {steps} 档", steps=move.steps)
        case "down":
            return say("降 {steps} 档", steps=move.steps)
        case "at_best":
            return say("最高评为 {grade}", grade=move.grade)
    return say("最低评为 {grade}", grade=move.grade)


def key_words(key: p.Key) -> Message:
    """总分（高者在前）."""
    if key.name == CODE:
        return say("统一社会信用代码（倒序）") if key.descending else say("统一社会信用代码（顺序）")
    if key.descending:
        return say("{name}（高者在前）", name=key.name)
    return say("{name}（低者在前）", name=key.name)


def _asks_for_data(tree: Expression) -> bool:
    """Whether a standing rule of an indicator is about missing data, and not about its denominator."""
    return isinstance(tree.operands[0] if isinstance(tree, Logic) else tree, Missing)


def _must_words(writer: PolicyWriter, name: str, must: str) -> Said:
    """大于 0."""
    operator = ">=" if must.strip().startswith((">=", "≥")) else ">"
    least = amount(must.strip().lstrip(">=≥ "), writer.reader.unit_of(name))
    return say("不小于 {least}", least=least) if operator == ">=" else say("大于 {least}", least=least)


def _percent(share: Fraction) -> str:
    return f"{format_exact(share * 100)}%"


_STANDING_HEADER: tuple[Said, ...] = (say("情形"), say("具体条件"), say("归入"), say("备注"), say("依据条款"))
_DATA_HEADER: tuple[Said, ...] = (
    say("数据"), say("单位"), say("提供部门"), say("没有提供时"), say("备注"), say("依据条款"),
)  # fmt: skip
_POINTS_HEADER: tuple[Said, ...] = (say("项目"), say("具体条件"), say("分值"), say("适用"), say("依据条款"))
_MOVE_HEADER: tuple[Said, ...] = (say("情形"), say("具体条件"), say("怎样调整"), say("适用"), say("依据条款"))
_QUOTA_HEADER: tuple[Said, ...] = (say("评价等级"), say("名次或分数"), say("户数取整"))

BASES = {"等价值": say("按等价值计算"), "当量值": say("按当量值计算")}
TYPES = {
    "数值": say("数值"),
    "文本": say("文字"),
    "日期": say("日期"),
    "标签": say("标签"),
    "等级": say("级别"),
}
ROUNDINGS = {"四舍五入": say("四舍五入"), "进一": say("有小数即进一"), "舍去": say("舍去小数")}
TIES = {
    "按排序键": say("总分相同的，由后面各项分出先后，名次不并列。"),
    "同分就高": say("总分相同的等级相同，按其中最前的名次定级。"),
    "同分就低": say("总分相同的等级相同，按其中最后的名次定级。"),
}
VETOED = {
    "占名额": say("被一票否决的企业照常排名，占名额，后面的企业不递补。"),
    "不占名额": say("被一票否决的企业不排名，不占名额，后面的企业递补。"),
}
DIRECT = {
    "占名额": say("直接定级的企业照常排名，占名额，后面的企业不递补。"),
    "不占名额": say("直接定级的企业不排名，不占名额，后面的企业递补。"),
}
