"""Named characters that the HTML table of the standard library lacks, or gives another letter.

Sources: ISO 8879:1986 (annex D) and ISO/IEC TR 9573-13:1991 give the names. Their characters are
those of the W3C recommendation "XML Entity Definitions for Characters", of which HTML took over
all but the Greek sets below, and of the sets that every JATS DTD from 1.0 to 1.4 loads (its
modules JATS-xmlspecchars and JATS-chars; one mapping in all of them).

Where JATS and HTML differ, two rules:

- JATS wins where the name means another letter: `JATS` below. In 9573-13 `phi` is the straight phi
  and `phiv` the curly one, likewise for epsilon; HTML has them the other way round.
- HTML wins where JATS still has what Unicode offered in 2003: an East Asian bracket for `lang`,
  a replacement character for `trpezium`, a dotted j for `jmath`, compatibility forms (`ohm`).

A line holds pairs of a name and its code points in hexadecimal, these joined by `+`. No name here
has a character of the private use area.
"""

GREEK = """
Agr 0391  agr 03B1  Bgr 0392  bgr 03B2  Dgr 0394  dgr 03B4  EEgr 0397  eegr 03B7  Egr 0395  egr 03B5  Ggr 0393
ggr 03B3  Igr 0399  igr 03B9  Kgr 039A  kgr 03BA  KHgr 03A7  khgr 03C7  Lgr 039B  lgr 03BB  Mgr 039C  mgr 03BC
Ngr 039D  ngr 03BD  Ogr 039F  ogr 03BF  OHgr 03A9  ohgr 03C9  Pgr 03A0  pgr 03C0  PHgr 03A6  phgr 03C6  PSgr 03A8
psgr 03C8  Rgr 03A1  rgr 03C1  sfgr 03C2  Sgr 03A3  sgr 03C3  Tgr 03A4  tgr 03C4  THgr 0398  thgr 03B8  Ugr 03A5
ugr 03C5  Xgr 039E  xgr 03BE  Zgr 0396  zgr 03B6
Aacgr 0386  aacgr 03AC  Eacgr 0388  eacgr 03AD  EEacgr 0389  eeacgr 03AE  Iacgr 038A  iacgr 03AF  idiagr 0390
Idigr 03AA  idigr 03CA  Oacgr 038C  oacgr 03CC  OHacgr 038F  ohacgr 03CE  Uacgr 038E  uacgr 03CD  udiagr 03B0
Udigr 03AB  udigr 03CB
b.alpha 1D6C2  b.beta 1D6C3  b.chi 1D6D8  b.Delta 1D6AB  b.delta 1D6C5  b.epsi 1D6C6  b.epsiv 1D6DC  b.eta 1D6C8
b.Gamma 1D6AA  b.gamma 1D6C4  b.Gammad 1D7CA  b.gammad 1D7CB  b.iota 1D6CA  b.kappa 1D6CB  b.kappav 1D6DE
b.Lambda 1D6B2  b.lambda 1D6CC  b.mu 1D6CD  b.nu 1D6CE  b.Omega 1D6C0  b.omega 1D6DA  b.Phi 1D6BD  b.phi 1D6D7
b.phiv 1D6DF  b.Pi 1D6B7  b.pi 1D6D1  b.piv 1D6E1  b.Psi 1D6BF  b.psi 1D6D9  b.rho 1D6D2  b.rhov 1D6E0  b.Sigma 1D6BA
b.sigma 1D6D4  b.sigmav 1D6D3  b.tau 1D6D5  b.Theta 1D6AF  b.thetas 1D6C9  b.thetav 1D6DD  b.Upsi 1D6BC  b.upsi 1D6D6
b.Xi 1D6B5  b.xi 1D6CF  b.zeta 1D6C7
"""
"""ISO 8879 sets isogrk1 (letters), isogrk2 (monotoniko) and isogrk4 (bold symbols)."""

ISO_8879 = """
ang90 221F  b.epsis 1D6DC  b.phis 1D6DF  cupre 227C  darr2 21CA  dlarr 2199  drarr 2198  epsis 03F5  gsdot 22D7
jnodot 0237  larr2 21C7  ldot 22D6  lpargt 29A0  lrarr2 21C6  lrhar2 21CB  phis 03D5  rarr2 21C9  rlarr2 21C4
rlhar2 21CC  samalg 2210  sbsol FE68  thetas 03B8  uarr2 21C8  vprime 2032
"""
"""Names of ISO 8879 that 9573-13 dropped: the NLM DTDs up to 2.3 have them."""

JATS = """
epsi 03F5  epsiv 03B5  franc 20A3  gcaron 01E7  Hmacr 0048+0304  phi 03D5  phiv 03C6  varepsilon 03B5  varphi 03C6
"""
"""Characters that JATS adds (JATS-chars), and letters that it reads otherwise than HTML (isogrk3)."""
