package org.grpo4j.trainer.python;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Texts parsed and written again; expectations are those of CPython's ast. */
final class PythonParserTest {
  private static String unparsed(String text) throws PythonError {
    return PythonUnparser.text(PythonParser.parse(text));
  }

  @ParameterizedTest
  @CsvSource(
      delimiterString = " => ",
      quoteCharacter = '`',
      value = {
        "f(x,y=1,*z,**k) => f(x, *z, y=1, **k)",
        "f(x for x,y in z if x if y) => f((x for x, y in z if x if y))",
        "{a:b for a in c},{a for a in b},[*a] => ({a: b for a in c}, {a for a in b}, [*a])",
        "a or (b or c) => a or (b or c)",
        "a or b or c|d or e^f or g&h or i+j => a or b or c | d or e ^ f or g & h or i + j",
        "a and b or c and d => a and b or (c and d)",
        "-x**-y => -x ** (-y)",
        "(a**b)**c , a**(b**c) => ((a ** b) ** c, a ** b ** c)",
        "a-(b-c)-d => a - (b - c) - d",
        "a if b else c if d else e => a if b else c if d else e",
        "(a if b else c) if d else e => (a if b else c) if d else e",
        "lambda x,/,y=1,*a,z,**k:x => lambda x, /, y=1, *a, z, **k: x",
        "lambda:(yield) => lambda: (yield)",
        "x[1:2,::3],x[a,],x[:] => (x[1:2, ::3], x[a,], x[:])",
        "f(a:=1)[b] => f((a := 1))[b]",
        "x is not y,a not in b,a<b!=c => (x is not y, a not in b, a < b != c)",
        "1 .real,1.0.real,0x1F,1_0,1e5,.5 => (1 .real, 1.0.real, 31, 10, 100000.0, 0.5)",
        "1e999,1e16,1e-5,-0.0,123456789.5 => (1e309, 1e+16, 1e-05, -0.0, 123456789.5)",
        "'a' \"b\",u'c',b'\\xff\\101' => ('ab', u'c', b'\\xffA')",
        "'it\\'s',\"\\\"\",'\\'\"' => (\"it's\", '\"', '\\'\"')",
        "'\\u200b\\t\\x7f\\q' => '\\u200b\\t\\x7f\\\\q'",
        "r'\\n','''a\"b''',\"\" => ('\\\\n', 'a\"b', '')",
        "2j,1+2j => (2j, 1 + 2j)",
        "await x**2 => await x ** 2",
        "(a,),(),{} , [],... => ((a,), (), {}, [], ...)",
        "{**a,'b':c} => {**a, 'b': c}",
      })
  void writesOneNormalForm(String text, String wanted) throws PythonError {
    assertEquals(wanted, unparsed(text));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "f(",
        "f)",
        "[(])",
        "f(a=1 b=2)",
        "f(a=1, b)",
        "f(**k, *a)",
        "f(x for x in y, 1)",
        "f(a.b=1)",
        "f(class=1)",
        "f(None=1)",
        "*a, b",
        "(*a)",
        "[*a for a in b]",
        "a <> b",
        "a.1",
        "1.real",
        "0777",
        "1__0",
        "1_",
        "5days",
        "0b12",
        "1e",
        "'a",
        "'a\nb'",
        "'''a",
        "b'é'",
        "'\\x4'",
        "'\\N{no such name}'",
        "'a' b'b'",
        "ur'x'",
        "f(“a”)",
        "a $ b",
        "a ? b",
        "`a`",
        "x for x in y",
        "[x for 1 in y]",
        "lambda *: 1",
        "lambda x=1, y: 1",
        "lambda **k, x: 1",
        "a if b",
        "not",
        "a +",
        "{a: 1, b}",
        "{a, b: 1}",
        "{x := 1: 2}",
        "x[]",
        "x[a:=1:2]",
        "yield",
        "f(a=1)\ng()",
        " a",
        "a \\ b",
        "a; b",
        "f(a=)",
        "f(,)",
        "f(a,,b)"
      })
  void refusesWhatPythonRefuses(String text) {
    assertThrows(PythonError.class, () -> PythonParser.parse(text), text);
  }

  @Test
  void linesEndInsideBracketsAndAtTheEnd() throws PythonError {
    assertEquals("f(a=1, b=2)", unparsed("f(a=1, # one\r\n  b = \\\n 2,\n)\n\n"));
  }

  @Test
  void bracketsNestAsDeepAsInPython() throws PythonError {
    assertEquals(
        "[" + "[".repeat(199) + "]".repeat(200), unparsed("[".repeat(200) + "]".repeat(200)));
    assertThrows(PythonError.class, () -> PythonParser.parse("[".repeat(201) + "]".repeat(201)));
    assertThrows(PythonError.class, () -> PythonParser.parse("-".repeat(100_000) + "1"));
  }

  @Test
  void namesAreNormalizedAsInPython() throws PythonError {
    // U+FB01, the ligature fi, is two letters in a name.
    assertEquals("fi(größe=1)", unparsed("\ufb01(größe=1)"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiterString = " => ",
      quoteCharacter = '`',
      value = {
        "7//2,-7//2,7%-3,-7%3 => (3, -4, -2, 2)",
        "2**10,2**-1,0**0,(-1)**1000001 => (1024, 0.5, 1, -1)",
        "1/3,10**30/10**29,7/-2 => (0.3333333333333333, 10.0, -3.5)",
        "5.5//2,-5.5%2,5.5%-2,0.1+0.2 => (2.0, 0.5, -0.5, 0.30000000000000004)",
        "True+True,True&False,5&True,~7+0 => (2, False, 1, -8)",
        "1<<10|3,-1>>70,6^3 => (1027, -1, 5)",
        "'a'*3+'b',[1]*2+[x for x in y] if 0 else (1,)*2 => ('aaab', (1, 1))",
        "1+2j*1j,3-1j => ((-1+0j), (3-1j))",
        "(0 or 'x')+'y',(1 and 2)+1,(not 0)+1 => ('xy', 3, 2)",
        "{'a':1,1:2}|{True:3} => {'a': 1, 1: 3}",
        "b'a'+b'b' => b'ab'",
      })
  void computesAsPython(String text, String wanted) throws PythonError {
    assertEquals(wanted, PythonRepr.of(PythonEvaluator.evaluate(PythonParser.parse(text))));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "x+1",
        "1/0",
        "1//0",
        "1.0%0",
        "0**-1",
        "0.0**-1",
        "'a'+1",
        "[1]+(2,)",
        "1<<-1",
        "1.5|1",
        "~1.5",
        "-'a'",
        "1e300**2",
        "10**400/1.5",
        "10**10000000",
        "'a'*10**9",
        "len('a')+1",
        "{[1]:2}|{}"
      })
  void raisesWherePythonRaises(String text) {
    assertThrows(PythonError.class, () -> PythonEvaluator.evaluate(PythonParser.parse(text)), text);
  }
}
