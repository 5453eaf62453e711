#![allow(unsafe_code, missing_docs)]
use std::alloc::*; use std::sync::atomic::*; use std::time::Instant; use std::hint::black_box;
use std::collections::HashMap;
use baton_propagators::*;
use baton_propagators::otel::Propagator;
use opentelemetry::{Context, propagation::TextMapPropagator};
struct A; static N: AtomicUsize = AtomicUsize::new(0);
unsafe impl GlobalAlloc for A { unsafe fn alloc(&self,l:Layout)->*mut u8{N.fetch_add(1,Ordering::Relaxed);unsafe{System.alloc(l)}} unsafe fn dealloc(&self,p:*mut u8,l:Layout){unsafe{System.dealloc(p,l)}} }
#[global_allocator] static G: A = A;
fn time(name:&str, mut f: impl FnMut()) { for _ in 0..1000 {f()} let mut best=f64::MAX; let a=N.load(Ordering::Relaxed); f(); let allocs=N.load(Ordering::Relaxed)-a; for _ in 0..20 { let t=Instant::now(); for _ in 0..20000 {f()} best=best.min(t.elapsed().as_nanos() as f64/20000.0);} println!("{name:50} {best:8.1} ns {allocs} allocs"); }
struct Null; impl Setter for Null { fn set(&mut self,n:&str,v:&str){black_box((n,v));} }
fn main(){
 println!("Extraction {} Candidate {} Reject {}", size_of::<Extraction>(), size_of::<Candidate>(), size_of::<Reject>());
 let t="0af7651916cd43dd8448eb211c80319c"; let s="b7ad6b7169203331";
 let cases:Vec<(&str,Vec<(String,String)>)>=vec![
  ("tracecontext",vec![("traceparent".into(),format!("00-{t}-{s}-01"))]),
  ("tracecontext+ts",vec![("traceparent".into(),format!("00-{t}-{s}-01")),("tracestate".into(),"congo=t61rcWkgMzE,rojo=00f067aa0ba902b7".into())]),
  ("b3",vec![("b3".into(),format!("{t}-{s}-1"))]),
  ("b3multi",vec![("x-b3-traceid".into(),t.into()),("x-b3-spanid".into(),s.into()),("x-b3-sampled".into(),"1".into())]),
  ("tracecontext,b3",vec![("traceparent".into(),format!("00-{t}-{s}-01")),("b3".into(),format!("{t}-{s}-1"))]),
 ];
 for (m,h) in cases { let m2=m.trim_end_matches("+ts");
  for e in [Engine::Native, Engine::Otel] {
   let p=Propagation{engine:e,..Propagation::from(m2.parse::<Mode>().unwrap())};
   let hl=HeaderList(h.clone()); let hm:HashMap<String,String>=h.iter().cloned().collect();
   time(&format!("extract/{m}/{e} HeaderList"),||{black_box(p.extract(black_box(&hl)));});
   time(&format!("extract/{m}/{e} HashMap"),||{black_box(p.extract(black_box(&hm)));});
   let o=Outgoing{context:p.extract(&hl).context().cloned(),baggage:None};
   time(&format!("inject/{m}/{e}"),||{p.inject(black_box(&o),&mut Null);});
   let pr=Propagator::new(p.clone()); let cx=Context::new();
   time(&format!("trait extract/{m}/{e} HashMap"),||{black_box(pr.extract_with_context(&cx,black_box(&hm)));});
   let cx2=pr.extract_with_context(&cx,&hm);
   time(&format!("trait inject/{m}/{e} HashMap"),||{let mut c:HashMap<String,String>=HashMap::new(); pr.inject_context(&cx2,&mut c);black_box(c);});
  }
  use opentelemetry_sdk::propagation::TraceContextPropagator; use opentelemetry_propagator_b3 as b3;
  let up:Vec<Box<dyn TextMapPropagator>> = m2.split(',').map(|x|->Box<dyn TextMapPropagator>{match x{"tracecontext"=>Box::new(TraceContextPropagator::new()),"b3"=>Box::new(b3::Propagator::with_encoding(b3::B3Encoding::SingleHeader)),_=>Box::new(b3::Propagator::new())}}).collect();
  let hm:HashMap<String,String>=h.iter().cloned().collect(); let cx=Context::new();
  time(&format!("UPSTREAM trait extract/{m} HashMap"),||{let mut c=cx.clone(); for u in &up {c=u.extract_with_context(&c,black_box(&hm));} black_box(c);});
  let cx2={let mut c=cx.clone(); for u in &up {c=u.extract_with_context(&c,&hm);} c};
  time(&format!("UPSTREAM trait inject/{m} HashMap"),||{let mut c:HashMap<String,String>=HashMap::new(); for u in &up {u.inject_context(&cx2,&mut c);} black_box(c);});
 }
}
