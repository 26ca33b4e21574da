# Helpers that call each other twice.
package controls.x1

import rego.v1

p0(x) if {
	p1(x.a)
	p1(x.b)
}

p1(x) if {
	p2(x.a)
	p2(x.b)
}

p2(x) if {
	p3(x.a)
	p3(x.b)
}

p3(x) if {
	p4(x.a)
	p4(x.b)
}

p4(x) if {
	p5(x.a)
	p5(x.b)
}

p5(x) if {
	p6(x.a)
	p6(x.b)
}

p6(x) if {
	p7(x.a)
	p7(x.b)
}

p7(x) if {
	p8(x.a)
	p8(x.b)
}

p8(x) if {
	p9(x.a)
	p9(x.b)
}

p9(x) if {
	p10(x.a)
	p10(x.b)
}

p10(x) if {
	p11(x.a)
	p11(x.b)
}

p11(x) if {
	p12(x.a)
	p12(x.b)
}

p12(x) if {
	p13(x.a)
	p13(x.b)
}

p13(x) if x.c == 1

deny contains {"message": "found", "paths": ["spec"], "fixes": []} if {
	p0(input.object)
}
