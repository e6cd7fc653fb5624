#include "extract/lexicon.h"

#include <string>
#include <unordered_map>
#include <unordered_set>

#include "base/hash.h"

namespace rhizome::extract {
namespace {

struct Row {
  uint32_t flags;
  std::string_view words;  // between spaces
};

constexpr Row kRows[] = {
    {kFunction | kDeterminer,
     "a an the this that these those each every some any no all both either neither another such several many few much "
     "more most other its his her their our my your whose"},
    {kFunction | kPronoun, "he she it they"},
    {kFunction,
     "i we you him them us me who whom which what where when why how and or but nor so yet if then than because while "
     "although though since until unless whether as not only also too very just even still already again ever never "
     "often sometimes usually always here there now today however moreover furthermore therefore thus hence meanwhile "
     "instead otherwise finally first second third next last later early earlier soon once twice well together apart "
     "out up down off away back own same rather quite almost about nearly yes none one two three four five six seven "
     "eight nine ten hundred thousand million billion dozen himself herself itself themselves others etc eg ie vs let "
     "according despite due addition among amongst e.g i.e whereas whereby wherein hereby thereby itself respectively "
     "note yesterday today tomorrow tonight recently currently originally formerly approximately including less least "
     "nothing something anything everything someone anyone everyone nobody "
     "upon"},
    {kFunction | kPreposition,
     "in on at by for from with without to into onto over under after before between during through throughout within "
     "against across along around above below behind beside besides beyond near of via per toward towards inside "
     "outside except like unlike plus until till amid alongside"},
    {kFunction | kAuxiliary,
     "is are was were be been being am has have had having do does did doing will would shall should can could may "
     "might must cannot isn't wasn't aren't weren't don't didn't doesn't can't won't"},
    {kConnector, "of de la le du des del della di da dos von van der den ter bin ibn al el y zu zur & af av"},
    {kHonorific | kAbbreviation, "dr mr mrs ms prof rev hon gen col lt sgt capt cpl cmdr gov sen rep sr fr pres st"},
    {kHonorific,
     "sir dame lord lady president professor doctor senator governor captain colonel general major lieutenant judge "
     "justice pope chancellor secretary ambassador congressman mister madam miss reverend bishop archbishop cardinal "
     "sheikh sultan emperor empress queen princess prince"},
    {kAbbreviation, "jr vs etc al fig figs no vol vols approx est ca cf eds ed dept mt ft inc ltd co corp bros pp op"},
    {kOrgCue,
     "university college institute institution academy school inc ltd llc corp corporation company co group plc gmbh "
     "association organization organisation society foundation federation union league committee commission council "
     "agency bureau ministry department office party club fc united team bank press records airlines airways "
     "industries "
     "entertainment pictures studios productions orchestra ensemble band choir regiment brigade army navy force "
     "corps police court parliament senate congress church hospital laboratory laboratories center centre network "
     "systems technologies motors brothers trust fund conference authority administration consortium partnership"},
    {kPlaceCue,
     "city town village county state province district river lake mount mountain mountains island islands sea ocean "
     "bay "
     "gulf strait valley creek hill hills park forest desert beach harbor harbour port airport station street road "
     "avenue square bridge castle palace cathedral tower building stadium arena republic kingdom empire territory "
     "region peninsula canyon falls springs township borough parish municipality cape canal glacier highway plaza "
     "garden gardens heights fort north south east west northern southern eastern western"},
    {kEventCue,
     "war battle siege revolution rebellion uprising treaty olympics olympic cup championship championships "
     "tournament grand prix open festival election elections massacre crisis conference expedition campaign operation "
     "riot riots earthquake hurricane flood awards ceremony summit games exhibition expo marathon derby series"},
    {kWorkCue, "symphony sonata concerto trilogy saga chronicles anthology gazette journal magazine times herald"},
    {kPersonNoun,
     "actor actress singer songwriter musician composer guitarist drummer bassist pianist rapper writer author "
     "novelist "
     "poet playwright screenwriter journalist director producer filmmaker politician lawyer judge businessman "
     "businesswoman entrepreneur scientist physicist chemist biologist mathematician engineer inventor architect "
     "artist "
     "painter sculptor photographer footballer player cricketer golfer swimmer boxer wrestler athlete coach manager "
     "soldier officer commander general admiral philosopher historian theologian priest monk friar bishop saint king "
     "queen emperor prince princess duke earl baron noble nobleman ruler leader activist economist professor teacher "
     "physician doctor surgeon nurse comedian presenter host dancer choreographer model designer chef editor critic "
     "wife husband son daughter father mother brother sister founder chairman ceo senator congressman governor mayor "
     "president minister explorer pilot astronaut spy criminal murderer character personality executive pioneer"},
    {kOrgNoun,
     "band company corporation organization organisation association club team university college school institute "
     "party agency label studio publisher newspaper broadcaster airline bank manufacturer group firm duo trio quartet "
     "orchestra charity union federation league church denomination franchise brewery retailer chain developer "
     "subsidiary conglomerate startup regiment squadron military network"},
    {kPlaceNoun,
     "city town village municipality county district province region country state island river lake mountain "
     "neighborhood neighbourhood suburb commune hamlet township community airport station building stadium park "
     "street road bridge castle palace church cathedral museum theater theatre valley peninsula area place capital "
     "settlement parish borough census-designated unincorporated territory kingdom empire hotel mall"},
    {kWorkNoun,
     "film movie album song single novel book play musical opera poem series sitcom show episode game painting "
     "sculpture comic magazine journal soundtrack documentary drama comedy thriller miniseries anthology manga anime "
     "ep record symphony memoir trilogy story programme"},
    {kEventNoun,
     "war battle tournament championship election festival competition conference race match ceremony siege revolution "
     "rebellion campaign concert tour season event massacre attack earthquake hurricane expedition"},
    {kGivenName,
     "james john robert michael william david richard joseph thomas charles christopher daniel matthew anthony mark "
     "donald steven paul andrew joshua kenneth kevin brian george edward ronald timothy jason jeffrey ryan jacob gary "
     "nicholas eric jonathan stephen larry justin scott brandon benjamin samuel gregory frank alexander raymond "
     "patrick "
     "jack dennis jerry tyler aaron jose adam nathan henry douglas zachary peter kyle walter ethan jeremy harold keith "
     "christian roger noah gerald carl terry sean austin arthur lawrence jesse dylan bryan joe jordan billy bruce "
     "albert "
     "willie gabriel logan alan juan wayne roy ralph randy eugene vincent russell elijah louis bobby philip johnny "
     "mary patricia jennifer linda elizabeth barbara susan jessica sarah karen nancy lisa betty margaret sandra ashley "
     "kimberly emily donna michelle carol amanda dorothy melissa deborah stephanie rebecca sharon laura cynthia "
     "kathleen "
     "amy shirley angela helen anna brenda pamela nicole emma samantha katherine christine debra rachel catherine "
     "carolyn janet ruth maria heather diane virginia julie joyce victoria olivia kelly christina lauren joan evelyn "
     "judith megan andrea cheryl hannah jacqueline martha gloria teresa ann sara madison frances kathryn janice jean "
     "alice julia judy sophia grace denise amber doris marilyn danielle beverly isabella theresa diana natalie "
     "brittany "
     "charlotte marie kayla alexis lori jane lester tim tom bill bob jim mike steve dave dan matt chris nick alex sam "
     "ben fred max leo oscar hugo hans karl friedrich wilhelm johann ludwig wolfgang pierre jacques francois marcel "
     "claude giovanni giuseppe antonio marco luigi francesco carlos luis miguel pedro jorge ivan vladimir sergei "
     "dmitri "
     "nikolai boris anton igor olga natasha ahmed mohammed muhammad ali hassan omar fatima yusuf ibrahim raj amit anil "
     "sanjay ravi kumar priya wei li ming hiroshi kenji takashi akira yuki stanley howard leonard ernest clarence "
     "herbert alfred frederick edwin theodore barack hillary marcus julius augustus ada grace isaac neil buzz clint"},
    {kDemonym,
     "american british english french german italian spanish russian chinese japanese indian canadian australian "
     "dutch swedish norwegian danish finnish polish czech hungarian austrian swiss greek turkish egyptian african "
     "asian "
     "european brazilian mexican argentine irish scottish welsh korean vietnamese thai israeli iranian iraqi pakistani "
     "portuguese romanian bulgarian serbian croatian ukrainian belgian latin roman christian catholic protestant "
     "jewish "
     "muslim islamic buddhist hindu anglo soviet arab persian cuban filipino indonesian malaysian nigerian kenyan"},
    {kCalendar,
     "january february march april may june july august september october november december jan feb mar apr jun jul "
     "aug "
     "sep sept oct nov dec monday tuesday wednesday thursday friday saturday sunday"},
    {kGeneric,
     "study studies result results group groups year years month months day days week weeks time times way ways case "
     "cases patient patients number numbers level levels rate rates effect effects role roles type types use part "
     "parts "
     "people person man woman men women child children method methods data analysis model models system systems "
     "process processes function functions change changes increase decrease difference differences factor factors "
     "risk outcome outcomes treatment treatments control controls response mechanism mechanisms evidence finding "
     "findings "
     "conclusion conclusions background objective objectives design setting participants measures measure main total "
     "p n ci mean median range ratio value values table figure name names life home world area areas end member "
     "members "
     "work works set example form forms order point points thing things place side kind list line lines question "
     "information addition basis term terms state stage stages condition conditions activity presence absence use uses "
     "importance ability approach approaches development production expression population populations sample samples "
     "age ages sex subject subjects individual individuals purpose aim aims period hour hours minute minutes lot "
     "character version title history family career fact issue problem power water house school game team player film "
     "movie song album book series season show company city town village country county district area river"},
    {kModifier,
     "new old high low higher lower large small great good bad best better long short different various similar "
     "significant important major minor main general common particular specific certain possible likely several many "
     "recent early late young current previous present potential overall total additional key strong weak novel human "
     "known unknown following single multiple able available necessary important critical primary secondary big little "
     "first second third last next further whole full free greater increased decreased reduced improved former own "
     "real true own fewer least most robust direct indirect complete final initial original normal clear local famous "
     "best-known american british english french german"},
    {kVerb,
     "say make go take come see know get give find think tell become show leave feel put bring begin keep hold write "
     "stand hear mean set meet run pay sit speak lie lead read grow lose fall send build understand draw break spend "
     "cut "
     "rise drive buy wear choose use work call try ask need seem help talk turn start play move live believe happen "
     "include continue change watch follow stop create open walk offer remember love consider appear wait serve die "
     "expect stay reach remain suggest raise pass sell require report decide pull return explain hope develop carry "
     "receive agree support produce hit eat cover catch describe demonstrate indicate reveal conclude investigate "
     "examine assess evaluate identify determine observe measure compare analyze analyse perform conduct obtain "
     "increase "
     "decrease reduce improve induce inhibit activate regulate mediate promote prevent suppress enhance cause affect "
     "influence contribute involve associate relate base provide propose present result occur exist depend allow "
     "enable "
     "lack express encode bind release represent form found establish direct star feature marry bear win award locate "
     "situate publish record perform portray name locate know design compose paint record appoint elect join graduate "
     "study attend own acquire purchase found sign succeed replace retire kill defeat visit celebrate consist contain "
     "comprise confirm predict treat respond differentiate generate maintain undergo recruit randomize exhibit display "
     "appears originate derive feature host announce launch introduce adapt film shoot air premiere debut title"},
};

// Verbs whose past forms no rule gives.
constexpr std::string_view kIrregular =
    "said made went gone took taken came seen saw knew known got gotten gave given found thought told became shown "
    "left "
    "felt brought began begun kept held wrote written stood heard meant met ran paid sat spoke spoken led grew grown "
    "lost fell fallen sent built understood drew drawn broke broken spent rose risen drove driven bought wore worn "
    "chose "
    "chosen ate eaten caught lay lain won bore born sold bound shot underwent undergone";

constexpr std::string_view kRegions =
    "afghanistan|albania|algeria|angola|argentina|armenia|australia|austria|azerbaijan|bahrain|bangladesh|belarus|"
    "belgium|"
    "bolivia|bosnia and herzegovina|botswana|brazil|bulgaria|cambodia|cameroon|canada|chile|china|colombia|congo|costa "
    "rica|croatia|cuba|cyprus|czech republic|denmark|ecuador|egypt|el salvador|england|estonia|ethiopia|finland|france|"
    "georgia|germany|ghana|greece|guatemala|haiti|honduras|hong kong|hungary|iceland|india|indonesia|iran|iraq|ireland|"
    "israel|italy|jamaica|japan|jordan|kazakhstan|kenya|kuwait|laos|latvia|lebanon|libya|lithuania|luxembourg|"
    "madagascar|malaysia|mali|malta|mexico|moldova|mongolia|morocco|mozambique|myanmar|namibia|nepal|netherlands|the "
    "netherlands|new zealand|nicaragua|nigeria|north korea|northern ireland|norway|oman|pakistan|palestine|panama|"
    "paraguay|peru|philippines|poland|portugal|puerto rico|qatar|romania|russia|rwanda|saudi arabia|scotland|senegal|"
    "serbia|singapore|slovakia|slovenia|somalia|south africa|south korea|soviet union|spain|sri lanka|sudan|sweden|"
    "switzerland|syria|taiwan|tanzania|thailand|tunisia|turkey|uganda|ukraine|united arab emirates|united "
    "kingdom|united "
    "states|united states of "
    "america|uk|u.k|u.s|usa|u.s.a|uruguay|uzbekistan|venezuela|vietnam|wales|yemen|zambia|zimbabwe|"
    "alabama|alaska|arizona|arkansas|california|colorado|connecticut|delaware|florida|hawaii|idaho|illinois|indiana|"
    "iowa|"
    "kansas|kentucky|louisiana|maine|maryland|massachusetts|michigan|minnesota|mississippi|missouri|montana|nebraska|"
    "nevada|new hampshire|new jersey|new mexico|new york|north carolina|north dakota|ohio|oklahoma|oregon|pennsylvania|"
    "rhode island|south carolina|south dakota|tennessee|texas|utah|vermont|virginia|washington|west virginia|wisconsin|"
    "wyoming|ontario|quebec|british columbia|alberta|manitoba|nova scotia|new south wales|queensland|tasmania|bavaria|"
    "saxony|brittany|normandy|tuscany|sicily|catalonia|andalusia|kerala|punjab|gujarat|bengal|siberia";

constexpr std::string_view kCities =
    "amsterdam|athens|atlanta|auckland|baghdad|bangkok|barcelona|beijing|belfast|berlin|bombay|boston|brussels|"
    "budapest|"
    "buenos aires|cairo|calcutta|cambridge|cape town|chicago|copenhagen|dallas|delhi|detroit|dublin|edinburgh|florence|"
    "frankfurt|geneva|glasgow|hamburg|helsinki|houston|istanbul|jakarta|jerusalem|johannesburg|kyiv|kiev|kyoto|lagos|"
    "lima|lisbon|liverpool|london|los angeles|lyon|madrid|manchester|manhattan|melbourne|mexico city|miami|milan|"
    "minneapolis|montreal|moscow|mumbai|munich|naples|new delhi|new orleans|new york "
    "city|osaka|oslo|ottawa|oxford|paris|"
    "philadelphia|pittsburgh|prague|rio de janeiro|rome|saint petersburg|san diego|san francisco|santiago|sao "
    "paulo|são "
    "paulo|seattle|seoul|shanghai|stockholm|sydney|tehran|tel aviv|tokyo|toronto|turin|vancouver|venice|vienna|warsaw|"
    "washington d.c|zurich|brooklyn|hollywood|europe|asia|africa|antarctica|north america|south america|middle east";

struct Hash {
  size_t operator()(std::string_view word) const { return Checksum(word); }
};

template <typename Use>
void ForEachWord(std::string_view list, char separator, const Use& use) {
  while (!list.empty()) {
    const size_t end = std::min(list.find(separator), list.size());
    if (end > 0) use(list.substr(0, end));
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

class Words {
 public:
  Words() {
    for (const Row& row : kRows) {
      ForEachWord(row.words, ' ', [&](std::string_view word) {
        flags_[std::string(word)] |= row.flags;
        if ((row.flags & kVerb) != 0) AddForms(std::string(word));
      });
    }
    ForEachWord(kIrregular, ' ', [&](std::string_view word) { flags_[std::string(word)] |= kVerb; });
    ForEachWord(kRegions, '|', [&](std::string_view place) { regions_.insert(place); });
    ForEachWord(kCities, '|', [&](std::string_view place) { cities_.insert(place); });
  }
  uint32_t Flags(std::string_view word) const {
    const auto found = flags_.find(word);
    return found == flags_.end() ? 0 : found->second;
  }
  bool IsRegion(std::string_view key) const { return regions_.contains(key); }
  bool IsCity(std::string_view key) const { return cities_.contains(key); }

 private:
  struct TransparentHash : Hash {
    using is_transparent = void;
  };

  void AddForms(const std::string& verb) {
    const bool e = verb.ends_with('e');
    const std::string stem = e ? verb.substr(0, verb.size() - 1) : verb;
    const bool y = verb.ends_with('y') && verb.size() > 2 &&
                   std::string_view("aeiou").find(verb[verb.size() - 2]) == std::string_view::npos;
    const bool hiss = verb.ends_with("ss") || verb.ends_with("sh") || verb.ends_with("ch") || verb.ends_with('x');
    const std::string ies = verb.substr(0, verb.size() - 1);
    flags_[y ? ies + "ies" : verb + (hiss ? "es" : "s")] |= kVerb;
    flags_[y ? ies + "ied" : stem + "ed"] |= kVerb;
    flags_[stem + "ing"] |= kVerb;
  }

  std::unordered_map<std::string, uint32_t, TransparentHash, std::equal_to<>> flags_;
  std::unordered_set<std::string_view, Hash> regions_;
  std::unordered_set<std::string_view, Hash> cities_;
};

const Words& TheWords() {
  static const Words words;
  return words;
}

}  // namespace

uint32_t FlagsOf(std::string_view lower_word) { return TheWords().Flags(lower_word); }

bool IsRegionName(std::string_view key) { return TheWords().IsRegion(key); }

bool IsPlaceName(std::string_view key) { return IsRegionName(key) || TheWords().IsCity(key); }

int MonthOf(std::string_view lower_word) {
  constexpr std::string_view kMonths[] = {"january", "february", "march",     "april",   "may",      "june",
                                          "july",    "august",   "september", "october", "november", "december"};
  if (lower_word == "sept") return 9;
  for (int month = 0; month < 12; ++month) {
    if (lower_word == kMonths[month] || (lower_word.size() == 3 && kMonths[month].starts_with(lower_word))) {
      return month + 1;
    }
  }
  return 0;
}

}  // namespace rhizome::extract
